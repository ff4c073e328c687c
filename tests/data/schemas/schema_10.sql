-- A desk as the tenth schema kept it: that of schema_9.sql after its upgrade, with a note and a silence.
PRAGMA application_id = 1397506371;
PRAGMA user_version = 10;
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
INSERT INTO "escalation" VALUES(1,1,'automatic','unassigned',1,'urgent-unassigned','grab',0,0,'urgent_unassigned','2026-03-02T09:10:00Z','2026-11-27T19:47:05Z','fired','slactl','urgent','urgent',NULL,NULL,1,11);
INSERT INTO "escalation" VALUES(2,1,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-03-02T11:00:00Z','2026-11-27T19:47:05Z','expired','slactl','urgent','urgent',NULL,NULL,1,NULL);
INSERT INTO "escalation" VALUES(3,1,'automatic','resolution',1,'resolution','manager',0,0,'resolution_sla_breached','2026-03-03T17:20:00Z','2026-11-27T19:47:05Z','fired','slactl','urgent','urgent',NULL,'support-manager',1,12);
INSERT INTO "escalation" VALUES(4,2,'automatic','resolution',1,'resolution','manager',0,0,'resolution_sla_breached','2026-03-11T10:00:00Z','2026-11-27T19:47:05Z','fired','slactl','low','high',NULL,'support-manager',1,15);
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
INSERT INTO "event" VALUES(1,1,'2026-03-02T09:00:00Z','2026-11-27T19:47:05Z','alice','user','ticket.create','{"body_hash":"c8e7c8f92caf72fe82be1f6d49a17227e5c539396fb3c8653cd7293ec5158461","external_id":"A-1","plan":"enterprise","priority":"urgent","requester_domain":"example.com","requester_email_hash":"c0df9945ba70ef1dbe3b9b38aa884aba3aca9245d1a2838ad56b622b82e4751e","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","subject_hash":"4da5c4dd19a84ba889cbbfe128f51ebf12fb5e962972c1d1d08f485cd67a3243","unix_user":"root"}','ee36c86a09904fe3ee604afee31fdea11eb84c54fed36247df4e6eafc55bbbef');
INSERT INTO "event" VALUES(2,1,'2026-03-02T12:40:00Z','2026-11-27T19:47:05Z','alice','user','ticket.reply','{"body_hash":"3e058521c9f07f0148103750f38d4f35bdadfdf5f3eabfebe141b1ce4060ffa3","unix_user":"root"}','8b8da209de8770fd74631bdc94ee4b2f70875ffb56a2303ff323afe3a525d69b');
INSERT INTO "event" VALUES(3,1,'2026-03-02T12:40:00Z','2026-11-27T19:47:05Z','alice','user','ticket.status','{"from":"open","status":"pending","unix_user":"root","until":"2026-03-03T08:00:00Z"}','cdf6d0e6fa6fb7176bde1ad1fc715938da6b80ff5be4c5cd2efad54bedf88dd6');
INSERT INTO "event" VALUES(4,2,'2026-03-01T09:00:00Z','2026-11-27T19:47:05Z','alice','user','ticket.create','{"external_id":"7","plan":"free","priority":"low","requester_domain":"example.com","requester_email_hash":"c035d7ef8a7b33622c6063d5af8222fb877725ff07fc1918c502d6c5f2c2f1ae","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","subject_hash":"c6282a18426b23b9190c18bd9dc1e90ac6e7b27c8df76ab816f59acb51b8c620","unix_user":"root"}','b58dc0014a778273e820ecc7c973de0ac24347ba37c3b7469492282da6b214a5');
INSERT INTO "event" VALUES(5,2,'2026-03-01T10:00:00Z','2026-11-27T19:47:05Z','bob','user','ticket.reply','{"body_hash":"63bb629c8df4d00df7074a5e3ed662c456ee47fcf0e9377c1e9e793fa7a43b41","unix_user":"root"}','1b6103bd9a9257bc43e927216c59ff094109c871cf8fa54b443a973e3040140d');
INSERT INTO "event" VALUES(6,3,'2026-03-02T09:05:00Z','2026-11-27T19:47:05Z','alice','user','ticket.create','{"external_id":"B 2","plan":"free","requester_domain":"example.com","requester_email_hash":"dd146eda306a2aee269629b1f01d42a1c34dda0cf5d4ffe57cc78ab23f24e48a","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","subject_hash":"fa7c0e7c68730803e47f34858f5707865cc8bbae39215b24171bce0ad56d6da0","tags":["vpn"],"unix_user":"root"}','6f2ce440b303daf96b1eb7b5e4e36d855eb4902e7a5bbfa2165d651d8fb1db8a');
INSERT INTO "event" VALUES(7,3,'2026-03-02T13:00:00Z','2026-11-27T19:47:05Z','alice','user','ticket.resolve','{"from":"open","status":"resolved","unix_user":"root"}','dcd760e8ae074855a38e7dad2df7dfb40bef4a97a9ea0b7da395d2bdf0d654a0');
INSERT INTO "event" VALUES(8,1,'2026-03-03T08:00:00Z','2026-11-27T19:47:05Z','slactl','system','ticket.status','{"by_itself":true,"from":"pending","status":"open","unix_user":"root"}','98df8158039dd88fb43af525962d4a972f7ff67b855521233031e685040c3246');
INSERT INTO "event" VALUES(9,1,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-02T11:00:00Z","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","target":"first_response","unix_user":"root"}','dfa723e1ade6513c5ea0de41f64ee4cdc54d68e81436bfd6b64a8ab5d5e305ce');
INSERT INTO "event" VALUES(10,1,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-03T16:20:00Z","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","target":"resolution","unix_user":"root"}','08cf8abd05cc836442256da2007c3dc2ff3bd2ede3f2b003bb6051e246355c09');
INSERT INTO "event" VALUES(11,1,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"urgent-unassigned","kind":"unassigned","level":"grab","outcome":"fired","reason":"urgent_unassigned","repeat":0,"unix_user":"root","warning":false}','ea565450b7c5e2609f4567cf0a866d2345764df8386b71684cf184d0d68362f0');
INSERT INTO "event" VALUES(12,1,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"resolution","kind":"resolution","level":"manager","outcome":"fired","reason":"resolution_sla_breached","repeat":0,"unix_user":"root","warning":false}','337a08849176fefb0982adc94448644fa8e5f0988d1d258808569c12e51b5334');
INSERT INTO "event" VALUES(13,1,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.assign','{"assignee":"support-manager","from":null,"unix_user":"root"}','b80421124788c84d00e602fd3e7cfc90c800e73b7763e2b179faf1a8779ef8e3');
INSERT INTO "event" VALUES(14,2,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-11T09:00:00Z","rules_seal":"1 bc582aab6bb0dddb0919a6737d23ff406a7552f31639ee0eab72704db3d1b8d4","target":"resolution","unix_user":"root"}','199da721189c5d8cc6d62549e0d1517894704f59492ff98a77b7bb0ea5a380f7');
INSERT INTO "event" VALUES(15,2,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"resolution","kind":"resolution","level":"manager","outcome":"fired","reason":"resolution_sla_breached","repeat":0,"unix_user":"root","warning":false}','dac908a886d8244829f586c9129ee04e2114e92c41fca83d0ecd80174c77458e');
INSERT INTO "event" VALUES(16,2,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.priority','{"from":"low","priority":"high","unix_user":"root"}','189f8dd1ce7fcd28e2e6b9388a5e180e21f47821059ac02517847bba96aca22c');
INSERT INTO "event" VALUES(17,2,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z','slactl','system','ticket.assign','{"assignee":"support-manager","from":null,"unix_user":"root"}','9719305d65b35d36726ab036b00b3d9c52c4b98f539a2425eff74b6815309c26');
INSERT INTO "event" VALUES(18,2,'2026-11-27T22:04:11Z','2026-11-27T22:04:11Z','bob','user','ticket.note','{"body_hash":"1934f76314eabf01c4c3656f84a04ded73718b7ca36f91b42326c0af1fbf150d","unix_user":"root"}','4ebfde3254eb2666ea11cc38db81f7f6b0fc3fbbfa0335a38885a344b43ce011');
CREATE TABLE event_text (
	event_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id, field), 
	CONSTRAINT field_known CHECK (field IN ('body', 'subject', 'requester_email', 'actor')), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "event_text" VALUES(1,'body','d83857b8fa4e8ac648a834d3f841ed8f','It burns');
INSERT INTO "event_text" VALUES(1,'subject','750ed20c5ed6f7aa7148f0e09ac2b9fc','Printer on fire');
INSERT INTO "event_text" VALUES(1,'requester_email','f5bdb374b96f4921f02b1cd8e25c868b','tom@example.com');
INSERT INTO "event_text" VALUES(2,'body','791ffc46db7b68709b5749d7fa9fe8d7','On my way');
INSERT INTO "event_text" VALUES(4,'subject','8bd5e0bea1e9ba6cf69321886969e364','Old export');
INSERT INTO "event_text" VALUES(4,'requester_email','ef319e62202abc66ba8e5dd06bf08b9e','kim@example.com');
INSERT INTO "event_text" VALUES(5,'body','afc90f600fec6b66971e4127095f5fe8','Please wait');
INSERT INTO "event_text" VALUES(6,'subject','b34f1e38e424beffc1842414339fa5c4','VPN is slow');
INSERT INTO "event_text" VALUES(6,'requester_email','f902c2f9da4cd24ed1cbdbe334c07fec','ida@example.com');
INSERT INTO "event_text" VALUES(18,'body','b66a8b72801dcf7306e1330174aa349c','Still waiting');
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
INSERT INTO "meta" VALUES('rules_fingerprint','65024 2457873 5260 1795808824036575013 1795808824039316221');
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
INSERT INTO "notification" VALUES(1,3,1,'support_manager','waiting',0,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z',NULL,NULL,1,'{}',NULL,NULL,NULL,'{}');
INSERT INTO "notification" VALUES(2,4,2,'support_manager','waiting',0,'2026-11-27T19:47:05Z','2026-11-27T19:47:05Z',NULL,NULL,1,'{}',NULL,NULL,NULL,'{}');
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
INSERT INTO "outcome" VALUES(3,2,'first_response',1,0,'2026-03-01T09:00:00Z','2026-03-01T10:00:00Z',NULL,NULL,NULL,1,1,3600,0,0,'free',NULL,'low',NULL,'free','[]');
INSERT INTO "outcome" VALUES(5,3,'first_response',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,0,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(6,3,'resolution',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,1,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(7,1,'first_response',1,0,'2026-03-02T09:00:00Z','2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-03-02T11:00:00Z','2026-11-27T19:47:05Z',0,1,13200,0,0,'enterprise',NULL,'urgent',NULL,'enterprise','[]');
INSERT INTO "outcome" VALUES(8,1,'resolution',1,0,'2026-03-02T09:00:00Z',NULL,'2026-03-03T16:20:00Z','2026-03-03T16:20:00Z','2026-11-27T19:47:05Z',0,0,NULL,NULL,NULL,'enterprise',NULL,'urgent',NULL,'enterprise','[]');
INSERT INTO "outcome" VALUES(9,2,'resolution',1,0,'2026-03-01T09:00:00Z',NULL,'2026-03-11T09:00:00Z','2026-03-11T09:00:00Z','2026-11-27T19:47:05Z',0,0,NULL,NULL,NULL,'free',NULL,'low',NULL,'free','[]');
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
','2026-11-27T19:47:05Z','0.109');
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
INSERT INTO "run" VALUES(1,'2026-11-27T19:47:05Z','2026-11-27T19:47:06Z',2,3,3,0,0,'{"expired": 1}',0,1077,1,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',29188,'9719305d65b35d36726ab036b00b3d9c52c4b98f539a2425eff74b6815309c26',17);
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
INSERT INTO "silence" VALUES(1,NULL,2,NULL,'a call','bob','2026-11-27T22:04:11Z','2026-11-28T00:04:11Z',NULL);
CREATE TABLE snapshot (
	ticket_id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	columns TEXT NOT NULL, 
	older TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (ticket_id), 
	CONSTRAINT at_instant CHECK (at IS NULL OR at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT columns_json CHECK (json_valid(columns) AND json_valid(older)), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
CREATE TABLE sync_run (
	id INTEGER NOT NULL, 
	source TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	ended_at TEXT, 
	since TEXT NOT NULL, 
	opened INTEGER DEFAULT 0 NOT NULL, 
	changed INTEGER DEFAULT 0 NOT NULL, 
	events INTEGER DEFAULT 0 NOT NULL, 
	bad INTEGER DEFAULT 0 NOT NULL, 
	exit_code INTEGER, 
	duration_ms INTEGER, 
	error TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT since_instant CHECK (since IS NULL OR since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT source_length CHECK (length(source) BETWEEN 1 AND 200), 
	CONSTRAINT error_length CHECK (length(error) BETWEEN 1 AND 1000)
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
	source TEXT, 
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
	next_at TEXT, 
	wakes_at TEXT, 
	woken_due_at TEXT, 
	woken_due_target TEXT, 
	woken_escalation TEXT, 
	woken_level TEXT, 
	woken_level_at TEXT, 
	rules_version INTEGER NOT NULL, 
	version INTEGER DEFAULT 1 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT status_known CHECK (status IN ('open', 'pending', 'waiting_customer', 'resolved', 'closed')), 
	CONSTRAINT priority_known CHECK (priority IN ('low', 'normal', 'high', 'urgent')), 
	CONSTRAINT due_target_known CHECK (due_target IN ('first_response', 'next_response', 'update', 'resolution')), 
	CONSTRAINT external_id_length CHECK (length(external_id) BETWEEN 1 AND 200), 
	CONSTRAINT source_length CHECK (length(source) BETWEEN 1 AND 200), 
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
	CONSTRAINT next_at_instant CHECK (next_at IS NULL OR next_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT wakes_at_instant CHECK (wakes_at IS NULL OR wakes_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT woken_due_at_instant CHECK (woken_due_at IS NULL OR woken_due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT woken_level_at_instant CHECK (woken_level_at IS NULL OR woken_level_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT woken_due_target_known CHECK (woken_due_target IN ('first_response', 'next_response', 'update', 'resolution')), 
	CONSTRAINT signs CHECK (id > 0 AND version > 0 AND escalation_level >= 0), 
	CONSTRAINT tags_json CHECK (json_valid(tags)), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "ticket" VALUES(1,'A-1',NULL,NULL,'enterprise','tom@example.com','Printer on fire','open','urgent','support-manager','[]','enterprise','always',NULL,'2026-03-02T09:00:00Z','2026-11-27T19:47:05Z','2026-03-02T12:40:00Z',NULL,NULL,'2026-03-03T16:20:00Z','resolution',1,1,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,7);
INSERT INTO "ticket" VALUES(2,'7',NULL,NULL,'free','kim@example.com','Old export','open','high','support-manager','[]','free','always',NULL,'2026-03-01T09:00:00Z','2026-11-27T22:04:11Z','2026-03-01T10:00:00Z',NULL,NULL,'2026-03-11T09:00:00Z','resolution',1,1,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,6);
INSERT INTO "ticket" VALUES(3,'B 2',NULL,NULL,'free','ida@example.com','VPN is slow','resolved','normal',NULL,'["vpn"]','free','always',NULL,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,'2026-03-02T13:00:00Z','2026-03-02T13:00:00Z',NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2);
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
	wakes_at TEXT, 
	woken_state TEXT, 
	woken_due_at TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT kind_known CHECK (kind IN ('first_response', 'next_response', 'update', 'resolution', 'unassigned', 'idle', 'burst', 'created')), 
	CONSTRAINT state_known CHECK (state IN ('running', 'paused', 'met', 'breached', 'unknown')), 
	CONSTRAINT woken_state_known CHECK (woken_state IN ('running', 'paused', 'met', 'breached', 'unknown')), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT due_at_instant CHECK (due_at IS NULL OR due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT running_since_instant CHECK (running_since IS NULL OR running_since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT stopped_at_instant CHECK (stopped_at IS NULL OR stopped_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT breached_at_instant CHECK (breached_at IS NULL OR breached_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT detected_at_instant CHECK (detected_at IS NULL OR detected_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_at_instant CHECK (next_at IS NULL OR next_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT wakes_at_instant CHECK (wakes_at IS NULL OR wakes_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT woken_due_at_instant CHECK (woken_due_at IS NULL OR woken_due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT signs CHECK (cycle > 0 AND consumed_seconds >= 0 AND arming >= 0 AND agreement >= 0), 
	CONSTRAINT target_sign CHECK (target_seconds IS NULL OR target_seconds >= 0), 
	UNIQUE (ticket_id, kind, cycle), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "timer" VALUES(1,1,'first_response',1,1,'breached',7200,'2026-03-02T09:00:00Z','2026-03-02T11:00:00Z',NULL,13200,0,0,'2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-11-27T19:47:05Z',NULL,0,0,0,1,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(2,1,'resolution',1,1,'breached',43200,'2026-03-02T09:00:00Z','2026-03-03T16:20:00Z','2026-03-03T08:00:00Z',13200,69600,0,NULL,'2026-03-03T16:20:00Z','2026-11-27T19:47:05Z',NULL,0,0,0,1,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(3,1,'unassigned',1,1,'met',NULL,'2026-03-02T09:00:00Z',NULL,NULL,23366825,0,0,'2026-11-27T19:47:05Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(4,2,'first_response',1,1,'met',259200,'2026-03-01T09:00:00Z','2026-03-04T09:00:00Z',NULL,3600,0,0,'2026-03-01T10:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(5,2,'resolution',1,1,'breached',864000,'2026-03-01T09:00:00Z','2026-03-11T09:00:00Z','2026-03-01T09:00:00Z',0,0,0,NULL,'2026-03-11T09:00:00Z','2026-11-27T19:47:05Z',NULL,0,0,0,1,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(6,2,'unassigned',1,1,'met',NULL,'2026-03-01T09:00:00Z',NULL,NULL,23453225,0,0,'2026-11-27T19:47:05Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(7,3,'first_response',1,1,'met',172800,'2026-03-02T09:05:00Z','2026-03-04T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(8,3,'resolution',1,1,'met',604800,'2026-03-02T09:05:00Z','2026-03-09T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(9,3,'unassigned',1,1,'met',NULL,'2026-03-02T09:05:00Z',NULL,NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
CREATE UNIQUE INDEX escalation_once ON escalation (ticket_id, kind, cycle, escalation, level, arming, repeat) WHERE source = 'automatic';
CREATE INDEX escalation_run ON escalation (run_id);
CREATE INDEX escalation_ticket ON escalation (ticket_id);
CREATE INDEX event_ticket ON event (ticket_id, at, id);
CREATE INDEX notification_waiting ON notification (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outcome_missed ON outcome (kind, late_since) WHERE late_since IS NOT NULL;
CREATE INDEX outcome_stopped ON outcome (kind, stopped_at, met, seconds);
CREATE INDEX outcome_ticket ON outcome (ticket_id);
CREATE INDEX silence_ends ON silence (ends_at);
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
CREATE UNIQUE INDEX ticket_external ON ticket (external_id, COALESCE(source, ''));
CREATE INDEX ticket_open ON ticket (due_at, id) WHERE status NOT IN ('resolved', 'closed');
CREATE INDEX ticket_next ON ticket (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX ticket_updated ON ticket (updated_at);
CREATE INDEX ticket_assignee ON ticket (assignee, due_at, id);
CREATE INDEX ticket_wakes ON ticket (wakes_at) WHERE wakes_at IS NOT NULL;
CREATE INDEX ticket_tenant ON ticket (tenant, due_at, id);
CREATE INDEX ticket_requester ON ticket (requester_email);
CREATE INDEX ticket_created ON ticket (created_at);
CREATE INDEX sync_run_source ON sync_run (source, id);
CREATE VIEW ticket_view AS SELECT t.id AS id, t.external_id AS external_id, t.source AS source, t.tenant AS tenant, t.plan AS plan, t.requester_email AS requester_email, COALESCE(t.subject, t.external_id, '(erased)') AS subject, t.status AS status, t.priority AS priority, t.assignee AS assignee, t.tags AS tags, t.policy AS policy, t.created_at AS created_at, t.updated_at AS updated_at, fr.due_at AS first_response_due_at, t.first_responded_at AS first_responded_at, CASE WHEN fr.id IS NULL THEN 'none' WHEN fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE fr.state END AS first_response_state, CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END AS next_response_due_at, CASE WHEN nr.id IS NULL THEN 'none' WHEN nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE nr.state END AS next_response_state, CASE WHEN up.stopped_at IS NULL THEN up.due_at END AS update_due_at, CASE WHEN up.id IS NULL THEN 'none' WHEN up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE up.state END AS update_state, rs.due_at AS resolution_due_at, t.resolved_at AS resolved_at, CASE WHEN rs.id IS NULL THEN 'none' WHEN rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE rs.state END AS resolution_state, t.due_at AS due_at, t.due_target AS due_target, CASE WHEN t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN CAST(strftime('%s', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS INTEGER) - CAST(strftime('%s', t.due_at) AS INTEGER) END AS overdue_seconds, COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0) AS breached, (t.missed OR COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)) AS ever_breached, t.escalated AS escalated, t.escalation_level AS escalation_level, CASE WHEN t.acked_until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN t.acked_until END AS acked_until, t.next_escalation AS next_escalation, t.next_level AS next_level, t.next_level_at AS next_level_at
FROM (SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, status, updated_at, due_at, due_target, next_escalation, next_level, next_level_at FROM ticket WHERE wakes_at IS NULL OR wakes_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') UNION ALL SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, CAST('open' AS TEXT) AS status, wakes_at AS updated_at, woken_due_at AS due_at, woken_due_target AS due_target, woken_escalation AS next_escalation, woken_level AS next_level, woken_level_at AS next_level_at FROM ticket WHERE unlikely(wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) t
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1;
CREATE VIEW escalation_view AS SELECT id, ticket_id, source, escalation, level, repeat, reason, due_at, fired_at, outcome, actor, from_priority, to_priority, from_assignee, to_assignee, run_id FROM escalation;
CREATE VIEW event_view AS SELECT id AS id, ticket_id AS ticket_id, at AS at, recorded_at AS recorded_at, actor AS actor, actor_type AS actor_type, action AS action, json_remove(detail, '$.unix_user', '$.imported_by') AS detail, json_extract(detail, '$.unix_user') AS unix_user
FROM event;
CREATE VIEW breach_view AS SELECT b.ticket_id AS ticket_id, t.external_id AS external_id, b.kind AS target, b.cycle AS cycle, r.due_at AS due_at, b.missed_at AS breached_at, COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END) AS stopped_at, b.detected_at AS detected_at, CASE WHEN b.stopped_at IS NOT NULL OR b.agreement = r.agreement THEN CAST(strftime('%s', COALESCE(COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) AS INTEGER) - CAST(strftime('%s', b.missed_at) AS INTEGER) END AS overdue_seconds, t.priority AS priority, t.plan AS plan, t.tenant AS tenant, t.assignee AS assignee, t.policy AS policy
FROM (SELECT ticket_id, kind, cycle, agreement, missed_at, stopped_at, detected_at FROM outcome
WHERE missed_at IS NOT NULL UNION ALL SELECT ticket_id, kind, cycle, agreement, due_at, NULL, NULL FROM (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) r
WHERE stopped_at IS NULL AND counted = 0 AND due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) b JOIN ticket t ON t.id = b.ticket_id
JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) r ON r.ticket_id = b.ticket_id AND r.kind = b.kind AND r.cycle = b.cycle;
CREATE VIEW summary_view AS SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS at, COUNT(*) AS open_count, COALESCE(SUM(t.assignee IS NULL), 0) AS unassigned_count, COALESCE(SUM(t.priority = 'urgent'), 0) AS urgent_open_count, COALESCE(SUM(t.escalated), 0) AS escalated_count, COALESCE(SUM(t.fr_late), 0) AS first_response_breached_count, COALESCE(SUM(t.nr_late), 0) AS next_response_breached_count, COALESCE(SUM(t.up_late), 0) AS update_breached_count, COALESCE(SUM(t.rs_late), 0) AS resolution_breached_count
FROM (SELECT t.assignee AS assignee, t.priority AS priority, t.escalated AS escalated, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS fr_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS nr_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS up_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS rs_late
FROM (SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, status, updated_at, due_at, due_target, next_escalation, next_level, next_level_at FROM ticket WHERE wakes_at IS NULL OR wakes_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') UNION ALL SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, CAST('open' AS TEXT) AS status, wakes_at AS updated_at, woken_due_at AS due_at, woken_due_target AS due_target, woken_escalation AS next_escalation, woken_level AS next_level, woken_level_at AS next_level_at FROM ticket WHERE unlikely(wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) t
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1 WHERE t.status NOT IN ('resolved', 'closed')) t;
COMMIT;
