-- A desk as the eighth schema kept it: three tickets, one of them imported, a breach, outcomes; no ticket has a source.
PRAGMA application_id = 1397506371;
PRAGMA user_version = 8;
BEGIN TRANSACTION;
CREATE TABLE escalation (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	kind TEXT, 
	cycle INTEGER, 
	escalation TEXT, 
	level TEXT, 
	arming INTEGER DEFAULT 0 NOT NULL, 
	repeat INTEGER DEFAULT 0 NOT NULL, 
	reason TEXT NOT NULL, 
	due_at TEXT, 
	fired_at TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	from_priority TEXT, 
	to_priority TEXT, 
	from_assignee TEXT, 
	to_assignee TEXT, 
	run_id INTEGER, 
	event_id INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT source_known CHECK (source IN ('automatic', 'manual')), 
	CONSTRAINT outcome_known CHECK (outcome IN ('fired', 'expired', 'baseline', 'skipped')), 
	CONSTRAINT due_at_instant CHECK (due_at IS NULL OR due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT fired_at_instant CHECK (fired_at IS NULL OR fired_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT reason_length CHECK (length(reason) BETWEEN 1 AND 1000), 
	CONSTRAINT automatic_key CHECK (source = 'manual' OR (kind IS NOT NULL AND escalation IS NOT NULL)), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id), 
	FOREIGN KEY(run_id) REFERENCES run (id), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "escalation" VALUES(1,1,'automatic','unassigned',1,'urgent-unassigned','grab',0,0,'urgent_unassigned','2026-03-02T09:10:00Z','2026-03-02T12:30:00Z','fired','slactl','urgent','urgent',NULL,NULL,1,6);
INSERT INTO "escalation" VALUES(2,1,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-03-02T11:00:00Z','2026-03-02T12:30:00Z','fired','slactl','urgent','urgent',NULL,NULL,1,7);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	actor_type TEXT NOT NULL, 
	action TEXT NOT NULL, 
	detail TEXT DEFAULT '{}' NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT actor_type_known CHECK (actor_type IN ('user', 'system')), 
	CONSTRAINT at_instant CHECK (at IS NULL OR at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT recorded_at_instant CHECK (recorded_at IS NULL OR recorded_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT action_length CHECK (length(action) BETWEEN 1 AND 100), 
	CONSTRAINT detail_json CHECK (json_valid(detail)), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "event" VALUES(1,1,'2026-03-02T09:00:00Z','2026-03-02T09:00:00Z','ann','user','ticket.create','{"assignee":null,"country":null,"external_id":"A-1","plan":"enterprise","priority":"urgent","requester_domain":"example.com","requester_email_hash":"f16794366f51bb5546261abd9ec126e61316ceb2b5e08a25c2c9a92f7f4655cc","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 ec9db32f733ff4a72a2512bee6215eb5cf1571838902beec376c1ce0913508fb","status":"open","subdivision":null,"subject_hash":"10d5d70b5f031f19a0ad672add7dacb10eaa63876928f7bef20afec46d9ac847","tags":[],"tenant":null,"timezone":null,"unix_user":"root"}','a1fc5852d1876aefaa2f074f85ff3fa97d21985d456dc8627aae273eaea1544a');
INSERT INTO "event" VALUES(2,1,'2026-03-02T09:00:00Z','2026-03-02T09:00:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-02T11:00:00Z","policy":"enterprise","resolution":"2026-03-02T21:00:00Z","unix_user":"root"}','b8339bb309e81ce73b4bfa48a3c0721cdc26d78ada6c12221f401654ef0a4b47');
INSERT INTO "event" VALUES(3,2,'2026-03-02T09:05:00Z','2026-03-02T09:05:00Z','ann','user','ticket.create','{"assignee":null,"country":null,"external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"90a254d617e285f0f6c2c7f505e94de01343da09b0d7e4c486523828a5d3d65c","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 ec9db32f733ff4a72a2512bee6215eb5cf1571838902beec376c1ce0913508fb","status":"open","subdivision":null,"subject_hash":"6d97a7ce983447ce8abaf6342961d3e4fce66365c49e99a352dc6892d3594f54","tags":["vpn"],"tenant":null,"timezone":null,"unix_user":"root"}','fd5783d42579f3ce45d683518b2d845a658d42087e49ac1a9e4041ebe862a6d2');
INSERT INTO "event" VALUES(4,2,'2026-03-02T09:05:00Z','2026-03-02T09:05:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-04T09:05:00Z","policy":"free","resolution":"2026-03-09T09:05:00Z","unix_user":"root"}','d8acac1383f146a9c9188a3976ac03399b30579188f12897c1a0cce73f92b286');
INSERT INTO "event" VALUES(5,1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-02T11:00:00Z","rules_seal":"1 ec9db32f733ff4a72a2512bee6215eb5cf1571838902beec376c1ce0913508fb","target":"first_response","unix_user":"root"}','6c67cba341f33dcb5c84e07460dc4358b1b1fa755b1403b0f327447c03938c2d');
INSERT INTO "event" VALUES(6,1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"urgent-unassigned","kind":"unassigned","level":"grab","outcome":"fired","reason":"urgent_unassigned","repeat":0,"unix_user":"root","warning":false}','dad5e69126bb21a336deb5e7412dc4438edf92f6dab66e6ed23e350c2f190ac8');
INSERT INTO "event" VALUES(7,1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"first-response","kind":"first_response","level":"breach","outcome":"fired","reason":"first_response_sla_breached","repeat":0,"unix_user":"root","warning":false}','6b89ba344a39ed0d46f16b44007203ae7d3101b1fb505cda179087ab4c3a9314');
INSERT INTO "event" VALUES(8,1,'2026-03-02T12:40:00Z','2026-03-02T12:40:00Z','ann','user','ticket.reply','{"body_hash":"8034c41f5618aeeddd59262867fb40e0b9e61160f633c1935bcb35340f919c4e","unix_user":"root"}','7d35b8229025e88f1b20ff664bd0d049db7e31b8ddb7a9bc6e4fc95e0f4ac7ad');
INSERT INTO "event" VALUES(9,1,'2026-03-02T12:40:00Z','2026-03-02T12:40:00Z','ann','user','ticket.status','{"from":"open","status":"waiting_customer","unix_user":"root"}','6220cc9476bfc1e49841f7eca29778e1b9d327b335c1f1dd24f7c6f49abd079a');
INSERT INTO "event" VALUES(10,2,'2026-03-02T13:00:00Z','2026-03-02T13:00:00Z','ann','user','ticket.resolve','{"from":"open","status":"resolved","unix_user":"root"}','6fedd9c6de0f687f9c894a6a690967b8ae7432922dbf7ce6a41c8f6bdd1b5404');
INSERT INTO "event" VALUES(11,3,'2026-03-01T09:00:00Z','2026-03-02T13:05:00Z','ann','user','ticket.create','{"external_id":"7","plan":"free","priority":"low","requester_domain":"example.com","requester_email_hash":"e175eb4d4b6d39c9a5c3acee3b3ae4c35e7e3b47dd67f5b2615b1fd2beb9eb2e","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 ec9db32f733ff4a72a2512bee6215eb5cf1571838902beec376c1ce0913508fb","status":"open","subject_hash":"ad7a6b2ddd272809f225b4bd460c238d62d1426aa8aa08b04bbb7c9616773640","unix_user":"root"}','f56e30911a312e02801b606685a4e64b8f328f9054e9fe566ea81b464d0e5f0b');
INSERT INTO "event" VALUES(12,3,'2026-03-01T10:00:00Z','2026-03-02T13:05:00Z','ann','user','ticket.reply','{"body_hash":"a231d79c0b800537f194800c0bf077a605f857f34824e1f7535d302b5cba25a0","unix_user":"root"}','8bfd99f19980c30b9cc53c42dc26ec557cf5c24421a25b32a209ffd38a42b97f');
CREATE TABLE event_text (
	event_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id, field), 
	CONSTRAINT field_known CHECK (field IN ('body', 'subject', 'requester_email', 'actor')), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "event_text" VALUES(1,'subject','825e6c7239f3e17183550180c7f04e82','Printer on fire');
INSERT INTO "event_text" VALUES(1,'requester_email','91bba8f55fbf817836895176d52eadea','tom@example.com');
INSERT INTO "event_text" VALUES(3,'subject','e4f153cbd02d6a33915b060a5965cadd','VPN is slow');
INSERT INTO "event_text" VALUES(3,'requester_email','711e5db27fc6e3149b11933d0ca75c03','ida@example.com');
INSERT INTO "event_text" VALUES(8,'body','c20bedd836c578f82ade8d06c6be88c3','We are on it.');
INSERT INTO "event_text" VALUES(11,'subject','861a4efa57ba6b65f5b18003471868bb','Old export');
INSERT INTO "event_text" VALUES(11,'requester_email','7d0d0418755e3148a4aead5f8e4c1829','kim@example.com');
INSERT INTO "event_text" VALUES(12,'body','c8050f74212adbae78dc5e9c6c6f6d1e','Hello');
CREATE TABLE holiday_year (
	country TEXT NOT NULL, 
	subdivision TEXT NOT NULL, 
	library_version TEXT NOT NULL, 
	year INTEGER NOT NULL, 
	days TEXT NOT NULL, 
	PRIMARY KEY (country, subdivision, library_version, year)
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('ladders_hash','66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea');
INSERT INTO "meta" VALUES('own_rules_hash','66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea');
INSERT INTO "meta" VALUES('rules_fingerprint','65024 3318677 5215 1795806419791413436 1795806419791413436');
CREATE TABLE notification (
	id INTEGER NOT NULL, 
	escalation_id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	recipient TEXT NOT NULL, 
	state TEXT NOT NULL, 
	tries INTEGER DEFAULT 0 NOT NULL, 
	created_at TEXT NOT NULL, 
	next_try_at TEXT, 
	ended_at TEXT, 
	error TEXT, 
	run_id INTEGER, 
	addresses TEXT DEFAULT '{}' NOT NULL, 
	address TEXT, 
	held_by TEXT, 
	instead_of TEXT, 
	message_ids TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT state_known CHECK (state IN ('waiting', 'sending', 'sent', 'partly', 'printed', 'held', 'obsolete', 'dropped', 'dead')), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_try_at_instant CHECK (next_try_at IS NULL OR next_try_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	UNIQUE (escalation_id, recipient), 
	FOREIGN KEY(escalation_id) REFERENCES escalation (id), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "notification" VALUES(1,2,1,'support_manager','printed',0,'2026-03-02T12:30:00Z',NULL,'2026-03-02T12:30:00Z',NULL,1,'{}','',NULL,NULL,'{}');
CREATE TABLE outcome (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	cycle INTEGER DEFAULT 1 NOT NULL, 
	agreement INTEGER DEFAULT 0 NOT NULL, 
	started_at TEXT NOT NULL, 
	stopped_at TEXT, 
	missed_at TEXT, 
	late_since TEXT, 
	detected_at TEXT, 
	met INTEGER DEFAULT 0 NOT NULL, 
	averaged INTEGER DEFAULT 0 NOT NULL, 
	seconds INTEGER, 
	paused_seconds INTEGER, 
	closed_seconds INTEGER, 
	"plan" TEXT NOT NULL, 
	tenant TEXT, 
	priority TEXT NOT NULL, 
	assignee TEXT, 
	policy TEXT, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT kind_known CHECK (kind IN ('first_response', 'next_response', 'update', 'resolution')), 
	CONSTRAINT priority_known CHECK (priority IN ('low', 'normal', 'high', 'urgent')), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT stopped_at_instant CHECK (stopped_at IS NULL OR stopped_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT missed_at_instant CHECK (missed_at IS NULL OR missed_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT late_since_instant CHECK (late_since IS NULL OR late_since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT detected_at_instant CHECK (detected_at IS NULL OR detected_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT tenant_length CHECK (length(tenant) BETWEEN 1 AND 200), 
	CONSTRAINT plan_length CHECK (length(plan) BETWEEN 1 AND 200), 
	CONSTRAINT assignee_length CHECK (length(assignee) BETWEEN 1 AND 200), 
	CONSTRAINT about_something CHECK (COALESCE(stopped_at, missed_at) IS NOT NULL), 
	CONSTRAINT signs CHECK (cycle > 0 AND agreement >= 0), 
	CONSTRAINT tags_json CHECK (json_valid(tags)), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "outcome" VALUES(1,1,'first_response',1,0,'2026-03-02T09:00:00Z','2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-03-02T11:00:00Z','2026-03-02T12:30:00Z',0,1,13200,0,0,'enterprise',NULL,'urgent',NULL,'enterprise','[]');
INSERT INTO "outcome" VALUES(2,2,'first_response',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,0,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(3,2,'resolution',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,1,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(4,3,'first_response',1,0,'2026-03-01T09:00:00Z','2026-03-01T10:00:00Z',NULL,NULL,NULL,1,1,3600,0,0,'free',NULL,'low',NULL,'free','[]');
CREATE TABLE rules_version (
	id INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	canonical TEXT NOT NULL, 
	first_used_at TEXT NOT NULL, 
	holidays_version TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT first_used_at_instant CHECK (first_used_at IS NULL OR first_used_at LIKE '____-__-__T__:__:__Z'), 
	UNIQUE (hash)
);
INSERT INTO "rules_version" VALUES(1,'66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea','schema = 1

[calendars.always]
always_open = true

[calendars.office]
country = "DE"
holidays = [
    "12-24",
    "12-31",
]
subdivision = "BE"
timezone = "Europe/Berlin"

[calendars.office.weekly]
fri = [
    "09:00-16:00",
]
mon-thu = [
    "09:00-12:30",
    "13:30-18:00",
]

[[escalation]]
fallback = "support_manager"
id = "first-response"
on = "first_response"

[[escalation.level]]
at = "0m"
id = "breach"
notify = [
    "support_manager",
]
priority = "high"

[[escalation]]
fallback = "support_manager"
id = "resolution"
on = "resolution"

[[escalation.level]]
assign = "support_manager"
at = "+1h"
id = "manager"
notify = [
    "support_manager",
    "previous_assignee",
]
priority = "high"

[[escalation]]
id = "urgent-unassigned"
on = "unassigned"
reason = "urgent_unassigned"

[[escalation.level]]
at = "+10m"
id = "grab"
notify = [
    "support_manager",
]

[escalation.when]
priority = [
    "urgent",
]

[[policy]]
calendar = "always"
name = "enterprise"

[policy.match]
plan = [
    "enterprise",
]

[policy.targets.high]
first_response = "4h"
next_response = "8h"
resolution = "1d"

[policy.targets.low]
first_response = "16h"
next_response = "1d"
resolution = "4d"

[policy.targets.normal]
first_response = "8h"
next_response = "16h"
resolution = "2d"

[policy.targets.urgent]
first_response = "2h"
next_response = "4h"
resolution = "12h"

[[policy]]
calendar = "always"
name = "pro"

[policy.match]
plan = [
    "pro",
]

[policy.targets.high]
first_response = "8h"
resolution = "2d"

[policy.targets.low]
first_response = "48h"
resolution = "6d"

[policy.targets.normal]
first_response = "24h"
resolution = "3d"

[policy.targets.urgent]
first_response = "4h"
resolution = "1d"

[[policy]]
calendar = "always"
name = "free"

[policy.match]
plan = [
    "free",
]

[policy.targets.high]
first_response = "36h"
resolution = "5d"

[policy.targets.low]
first_response = "72h"
resolution = "10d"

[policy.targets.normal]
first_response = "48h"
resolution = "7d"

[policy.targets.urgent]
first_response = "24h"
resolution = "4d"

[[policy]]
calendar = "always"
name = "everybody else"

[policy.targets.default]
first_response = "48h"
resolution = "7d"

[roles.support_manager]
assignee = "support-manager"
notify = []

[settings]
ack_for = "4h"
default_plan = "free"
due_soon = "2h"
next_response_from = "first_reply"
pause = [
    "resolution",
    "update",
]
pause_statuses = [
    "pending",
    "waiting_customer",
]
reopen = "continue"

[settings.manual_escalation]
notify = [
    "support_manager",
]
priority = "high"
','2026-03-02T09:00:00Z','0.109');
CREATE TABLE run (
	id INTEGER NOT NULL, 
	started_at TEXT NOT NULL, 
	ended_at TEXT, 
	scanned INTEGER DEFAULT 0 NOT NULL, 
	breached INTEGER DEFAULT 0 NOT NULL, 
	fired INTEGER DEFAULT 0 NOT NULL, 
	notified INTEGER DEFAULT 0 NOT NULL, 
	failed INTEGER DEFAULT 0 NOT NULL, 
	skipped TEXT DEFAULT '{}' NOT NULL, 
	exit_code INTEGER, 
	duration_ms INTEGER, 
	rules_version INTEGER, 
	boot_id TEXT, 
	boot_seconds INTEGER, 
	audit_head TEXT, 
	audit_event INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "run" VALUES(1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z',1,1,2,1,0,'{}',0,0,1,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',26786,'6b89ba344a39ed0d46f16b44007203ae7d3101b1fb505cda179087ab4c3a9314',7);
CREATE TABLE silence (
	id INTEGER NOT NULL, 
	tenant TEXT, 
	ticket_id INTEGER, 
	escalation TEXT, 
	comment TEXT, 
	actor TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	ends_at TEXT NOT NULL, 
	expired_by TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ends_at_instant CHECK (ends_at IS NULL OR ends_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT tenant_length CHECK (length(tenant) BETWEEN 1 AND 200), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT comment_length CHECK (length(comment) BETWEEN 1 AND 1000), 
	CONSTRAINT about_something CHECK (COALESCE(tenant, ticket_id, escalation) IS NOT NULL), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
CREATE TABLE tenant (
	name TEXT NOT NULL, 
	"plan" TEXT, 
	timezone TEXT, 
	country TEXT, 
	subdivision TEXT, 
	created_at TEXT NOT NULL, 
	PRIMARY KEY (name), 
	CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 200), 
	CONSTRAINT plan_length CHECK (length(plan) BETWEEN 1 AND 200), 
	CONSTRAINT timezone_length CHECK (length(timezone) BETWEEN 1 AND 100), 
	CONSTRAINT country_length CHECK (length(country) BETWEEN 1 AND 100), 
	CONSTRAINT subdivision_length CHECK (length(subdivision) BETWEEN 1 AND 100), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z')
);
CREATE TABLE ticket (
	id INTEGER NOT NULL, 
	external_id TEXT, 
	tenant TEXT, 
	"plan" TEXT NOT NULL, 
	requester_email TEXT, 
	subject TEXT, 
	status TEXT NOT NULL, 
	priority TEXT NOT NULL, 
	assignee TEXT, 
	tags TEXT DEFAULT '[]' NOT NULL, 
	policy TEXT, 
	calendar TEXT, 
	timezone TEXT, 
	created_at TEXT NOT NULL, 
	updated_at TEXT NOT NULL, 
	first_responded_at TEXT, 
	resolved_at TEXT, 
	first_resolved_at TEXT, 
	due_at TEXT, 
	due_target TEXT, 
	missed INTEGER DEFAULT 0 NOT NULL, 
	escalated INTEGER DEFAULT 0 NOT NULL, 
	escalation_level INTEGER DEFAULT 0 NOT NULL, 
	acked_until TEXT, 
	next_escalation TEXT, 
	next_level TEXT, 
	next_level_at TEXT, 
	rules_version INTEGER NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT status_known CHECK (status IN ('open', 'pending', 'waiting_customer', 'resolved', 'closed')), 
	CONSTRAINT priority_known CHECK (priority IN ('low', 'normal', 'high', 'urgent')), 
	CONSTRAINT due_target_known CHECK (due_target IN ('first_response', 'next_response', 'update', 'resolution')), 
	CONSTRAINT external_id_length CHECK (length(external_id) BETWEEN 1 AND 200), 
	CONSTRAINT tenant_length CHECK (length(tenant) BETWEEN 1 AND 200), 
	CONSTRAINT plan_length CHECK (length(plan) BETWEEN 1 AND 200), 
	CONSTRAINT assignee_length CHECK (length(assignee) BETWEEN 1 AND 200), 
	CONSTRAINT subject_length CHECK (length(subject) <= 1000), 
	CONSTRAINT requester_email_length CHECK (length(requester_email) BETWEEN 1 AND 1000), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT updated_at_instant CHECK (updated_at IS NULL OR updated_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT first_responded_at_instant CHECK (first_responded_at IS NULL OR first_responded_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT resolved_at_instant CHECK (resolved_at IS NULL OR resolved_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT due_at_instant CHECK (due_at IS NULL OR due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT acked_until_instant CHECK (acked_until IS NULL OR acked_until LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_level_at_instant CHECK (next_level_at IS NULL OR next_level_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT signs CHECK (id > 0 AND version > 0 AND escalation_level >= 0), 
	CONSTRAINT tags_json CHECK (json_valid(tags)), 
	UNIQUE (external_id), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "ticket" VALUES(1,'A-1',NULL,'enterprise','tom@example.com','Printer on fire','waiting_customer','urgent',NULL,'[]','enterprise','always',NULL,'2026-03-02T09:00:00Z','2026-03-02T12:40:00Z','2026-03-02T12:40:00Z',NULL,NULL,NULL,NULL,1,1,2,NULL,NULL,NULL,NULL,1,5);
INSERT INTO "ticket" VALUES(2,NULL,NULL,'free','ida@example.com','VPN is slow','resolved','normal',NULL,'["vpn"]','free','always',NULL,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,'2026-03-02T13:00:00Z','2026-03-02T13:00:00Z',NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,1,2);
INSERT INTO "ticket" VALUES(3,'7',NULL,'free','kim@example.com','Old export','open','low',NULL,'[]','free','always',NULL,'2026-03-01T09:00:00Z','2026-03-01T10:00:00Z','2026-03-01T10:00:00Z',NULL,NULL,'2026-03-11T09:00:00Z','resolution',0,0,0,NULL,'resolution','manager','2026-03-11T10:00:00Z',1,2);
CREATE TABLE timer (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	cycle INTEGER DEFAULT 1 NOT NULL, 
	latest INTEGER DEFAULT 1 NOT NULL, 
	state TEXT NOT NULL, 
	target_seconds INTEGER, 
	started_at TEXT NOT NULL, 
	due_at TEXT, 
	running_since TEXT, 
	consumed_seconds INTEGER DEFAULT 0 NOT NULL, 
	paused_seconds INTEGER, 
	closed_seconds INTEGER, 
	stopped_at TEXT, 
	breached_at TEXT, 
	detected_at TEXT, 
	next_at TEXT, 
	manual INTEGER DEFAULT 0 NOT NULL, 
	arming INTEGER DEFAULT 0 NOT NULL, 
	agreement INTEGER DEFAULT 0 NOT NULL, 
	counted INTEGER DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT kind_known CHECK (kind IN ('first_response', 'next_response', 'update', 'resolution', 'unassigned', 'idle', 'burst', 'created')), 
	CONSTRAINT state_known CHECK (state IN ('running', 'paused', 'met', 'breached', 'unknown')), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT due_at_instant CHECK (due_at IS NULL OR due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT running_since_instant CHECK (running_since IS NULL OR running_since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT stopped_at_instant CHECK (stopped_at IS NULL OR stopped_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT breached_at_instant CHECK (breached_at IS NULL OR breached_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT detected_at_instant CHECK (detected_at IS NULL OR detected_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_at_instant CHECK (next_at IS NULL OR next_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT signs CHECK (cycle > 0 AND consumed_seconds >= 0 AND arming >= 0 AND agreement >= 0), 
	CONSTRAINT target_sign CHECK (target_seconds IS NULL OR target_seconds >= 0), 
	UNIQUE (ticket_id, kind, cycle), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "timer" VALUES(1,1,'first_response',1,1,'breached',7200,'2026-03-02T09:00:00Z','2026-03-02T11:00:00Z',NULL,13200,0,0,'2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-03-02T12:30:00Z',NULL,0,0,0,1);
INSERT INTO "timer" VALUES(2,1,'resolution',1,1,'paused',43200,'2026-03-02T09:00:00Z',NULL,NULL,13200,0,0,NULL,NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(3,1,'unassigned',1,1,'running',NULL,'2026-03-02T09:00:00Z',NULL,'2026-03-02T09:00:00Z',0,0,0,NULL,NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(4,2,'first_response',1,1,'met',172800,'2026-03-02T09:05:00Z','2026-03-04T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(5,2,'resolution',1,1,'met',604800,'2026-03-02T09:05:00Z','2026-03-09T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(6,2,'unassigned',1,1,'met',NULL,'2026-03-02T09:05:00Z',NULL,NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(7,3,'first_response',1,1,'met',259200,'2026-03-01T09:00:00Z','2026-03-04T09:00:00Z',NULL,3600,0,0,'2026-03-01T10:00:00Z',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "timer" VALUES(8,3,'resolution',1,1,'running',864000,'2026-03-01T09:00:00Z','2026-03-11T09:00:00Z','2026-03-01T09:00:00Z',0,0,0,NULL,NULL,NULL,'2026-03-11T09:00:01Z',0,0,0,0);
INSERT INTO "timer" VALUES(9,3,'unassigned',1,1,'running',NULL,'2026-03-01T09:00:00Z',NULL,'2026-03-01T09:00:00Z',0,0,0,NULL,NULL,NULL,NULL,0,0,0,0);
CREATE UNIQUE INDEX escalation_once ON escalation (ticket_id, kind, cycle, escalation, level, arming, repeat) WHERE source = 'automatic';
CREATE INDEX escalation_run ON escalation (run_id);
CREATE INDEX escalation_ticket ON escalation (ticket_id);
CREATE INDEX event_ticket ON event (ticket_id, at, id);
CREATE INDEX notification_waiting ON notification (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outcome_missed ON outcome (kind, late_since) WHERE late_since IS NOT NULL;
CREATE INDEX outcome_stopped ON outcome (kind, stopped_at, met, seconds);
CREATE INDEX outcome_ticket ON outcome (ticket_id);
CREATE INDEX silence_ends ON silence (ends_at);
CREATE INDEX ticket_assignee ON ticket (assignee, due_at, id);
CREATE INDEX ticket_created ON ticket (created_at);
CREATE INDEX ticket_open ON ticket (due_at, id) WHERE status NOT IN ('resolved', 'closed');
CREATE INDEX ticket_requester ON ticket (requester_email);
CREATE INDEX ticket_tenant ON ticket (tenant, due_at, id);
CREATE INDEX ticket_updated ON ticket (updated_at);
CREATE UNIQUE INDEX timer_latest ON timer (ticket_id, kind) WHERE latest = 1;
CREATE INDEX timer_next ON timer (next_at, ticket_id) WHERE next_at IS NOT NULL;
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_never_vanishes BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_never_replaced BEFORE INSERT ON event WHEN NEW.id > 0 AND EXISTS (SELECT 1 FROM event WHERE id >= NEW.id)
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_text_never_changes BEFORE UPDATE ON event_text
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_text_never_replaced BEFORE INSERT ON event_text WHEN EXISTS (SELECT 1 FROM event_text WHERE event_id = NEW.event_id AND field = NEW.field)
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE VIEW ticket_view AS SELECT t.id AS id, t.external_id AS external_id, t.tenant AS tenant, t.plan AS plan, t.requester_email AS requester_email, COALESCE(t.subject, t.external_id, '(erased)') AS subject, t.status AS status, t.priority AS priority, t.assignee AS assignee, t.tags AS tags, t.policy AS policy, t.created_at AS created_at, t.updated_at AS updated_at, fr.due_at AS first_response_due_at, t.first_responded_at AS first_responded_at, CASE WHEN fr.id IS NULL THEN 'none' WHEN fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE fr.state END AS first_response_state, CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END AS next_response_due_at, CASE WHEN nr.id IS NULL THEN 'none' WHEN nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE nr.state END AS next_response_state, CASE WHEN up.stopped_at IS NULL THEN up.due_at END AS update_due_at, CASE WHEN up.id IS NULL THEN 'none' WHEN up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE up.state END AS update_state, rs.due_at AS resolution_due_at, t.resolved_at AS resolved_at, CASE WHEN rs.id IS NULL THEN 'none' WHEN rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE rs.state END AS resolution_state, t.due_at AS due_at, t.due_target AS due_target, CASE WHEN t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN CAST(strftime('%s', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS INTEGER) - CAST(strftime('%s', t.due_at) AS INTEGER) END AS overdue_seconds, COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0) AS breached, (t.missed OR COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)) AS ever_breached, t.escalated AS escalated, t.escalation_level AS escalation_level, CASE WHEN t.acked_until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN t.acked_until END AS acked_until, t.next_escalation AS next_escalation, t.next_level AS next_level, t.next_level_at AS next_level_at
FROM ticket t
LEFT JOIN timer fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN timer nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN timer up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN timer rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1;
CREATE VIEW escalation_view AS SELECT id, ticket_id, source, escalation, level, repeat, reason, due_at, fired_at, outcome, actor, from_priority, to_priority, from_assignee, to_assignee, run_id FROM escalation;
CREATE VIEW event_view AS SELECT id AS id, ticket_id AS ticket_id, at AS at, recorded_at AS recorded_at, actor AS actor, actor_type AS actor_type, action AS action, json_remove(detail, '$.unix_user', '$.imported_by') AS detail, json_extract(detail, '$.unix_user') AS unix_user
FROM event;
CREATE VIEW breach_view AS SELECT b.ticket_id AS ticket_id, t.external_id AS external_id, b.kind AS target, b.cycle AS cycle, r.due_at AS due_at, b.missed_at AS breached_at, COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END) AS stopped_at, b.detected_at AS detected_at, CASE WHEN b.stopped_at IS NOT NULL OR b.agreement = r.agreement THEN CAST(strftime('%s', COALESCE(COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) AS INTEGER) - CAST(strftime('%s', b.missed_at) AS INTEGER) END AS overdue_seconds, t.priority AS priority, t.plan AS plan, t.tenant AS tenant, t.assignee AS assignee, t.policy AS policy
FROM (SELECT ticket_id, kind, cycle, agreement, missed_at, stopped_at, detected_at FROM outcome
WHERE missed_at IS NOT NULL UNION ALL SELECT ticket_id, kind, cycle, agreement, due_at, NULL, NULL FROM timer
WHERE stopped_at IS NULL AND counted = 0 AND due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) b JOIN ticket t ON t.id = b.ticket_id
JOIN timer r ON r.ticket_id = b.ticket_id AND r.kind = b.kind AND r.cycle = b.cycle;
CREATE VIEW summary_view AS SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS at, COUNT(*) AS open_count, COALESCE(SUM(t.assignee IS NULL), 0) AS unassigned_count, COALESCE(SUM(t.priority = 'urgent'), 0) AS urgent_open_count, COALESCE(SUM(t.escalated), 0) AS escalated_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS first_response_breached_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS next_response_breached_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS update_breached_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS resolution_breached_count
FROM ticket t
LEFT JOIN timer fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN timer nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN timer up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN timer rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1
WHERE t.status NOT IN ('resolved', 'closed');
COMMIT;
