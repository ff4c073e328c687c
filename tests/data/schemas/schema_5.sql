-- A desk as the fifth schema kept it: two tickets, an escalation, an erasure, two checks.
PRAGMA application_id = 1397506371;
PRAGMA user_version = 5;
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
INSERT INTO "escalation" VALUES(1,1,'automatic','unassigned',1,'urgent-unassigned','grab',0,0,'urgent_unassigned','2026-03-02T09:10:00Z','2026-03-02T09:30:00Z','fired','slactl','urgent','urgent',NULL,NULL,1,9);
INSERT INTO "escalation" VALUES(2,1,'manual',NULL,NULL,NULL,NULL,0,0,'it burns',NULL,'2026-03-02T12:05:00Z','fired','ann','urgent','urgent','mia','mia',NULL,11);
INSERT INTO "escalation" VALUES(3,1,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-03-02T11:00:00Z','2026-03-02T12:30:00Z','fired','slactl','urgent','urgent','mia','mia',2,14);
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
INSERT INTO "event" VALUES(1,1,'2026-03-02T09:00:00Z','2026-03-02T09:00:00Z','ann','user','ticket.create','{"assignee":null,"external_id":"A-1","plan":"enterprise","priority":"urgent","requester_domain":"example.com","requester_email_hash":"668605d14481820f4e881350420026e72c5b176285e24ac8e62e7b98ff77e1ee","rules":"b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7","status":"open","subject_hash":"5ac57eb08ac6f821895edbeee61401e9107fbff23fa02edd16d9ba7deadf7295","tags":[],"tenant":"acme","timezone":null}','debdd9670f50c450bb95f48adc7699c83f62fc125e27996f574416c1a3192862');
INSERT INTO "event" VALUES(2,1,'2026-03-02T09:00:00Z','2026-03-02T09:00:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-02T11:00:00Z","policy":"enterprise","resolution":"2026-03-02T21:00:00Z"}','7986178099b2e1ef8395615cebb0db666d9b550e97b73bbf626297fb93a21659');
INSERT INTO "event" VALUES(3,2,'2026-03-02T09:05:00Z','2026-03-02T09:05:00Z','ann','user','ticket.create','{"assignee":null,"body_hash":"deb70b321b8d4239f008a0567561544160243f8323b8d655ef1a06d406f60734","external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"0ce2c33437ca0f3a76616eef95a3396dfaf69fbfb397c18e2b742da437ac5b23","rules":"b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7","status":"open","subject_hash":"58f8b264ea836cec6470f08f8aa2cad769846762019befd072b8d918228a3b23","tags":[],"tenant":null,"timezone":null}','d40b35edb610faab8ba839cc4fa6dca725bd7db56ad85a3c4b3ec3d06c4e8b2b');
INSERT INTO "event" VALUES(4,2,'2026-03-02T09:05:00Z','2026-03-02T09:05:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-04T09:05:00Z","policy":"free","resolution":"2026-03-09T09:05:00Z"}','38494d9ce3903950564a1999851599610c276532f5dee3b8d808dcd57587ff15');
INSERT INTO "event" VALUES(5,2,'2026-03-02T09:10:00Z','2026-03-02T09:10:00Z','ann','user','ticket.reply','{"body_hash":"eca398bd7b36befa1df18d2fabc71be79c0e3ed1aec676ddb4d62e8d1abe5136"}','f477a7e3775fea7955be0972090c1ef7ef1ea56d3873cd34a74b42f793d5afc6');
INSERT INTO "event" VALUES(6,2,'2026-03-02T09:10:00Z','2026-03-02T09:10:00Z','ann','user','ticket.status','{"from":"open","status":"waiting_customer"}','fed87901da47cee4bec433c4c7c015ba5f51bbe6040947546ad9358698c8ef5d');
INSERT INTO "event" VALUES(7,2,'2026-03-02T09:20:00Z','2026-03-02T09:20:00Z','ann','user','ticket.receive','{"body_hash":"5f6f75896e64b06ff279c0494a25433acc2ccbd9bcee043b32185e8cb57f3a4f"}','72d68fc548440732d235882c6d97d82df49cbcbe8f5a69da18e5183adf0c4001');
INSERT INTO "event" VALUES(8,2,'2026-03-02T09:20:00Z','2026-03-02T09:20:00Z','ann','user','ticket.status','{"from":"waiting_customer","status":"open"}','533351ac309786adbc24971047234218fc92f4de057a51feb646f8b14caa3ec8');
INSERT INTO "event" VALUES(9,1,'2026-03-02T09:30:00Z','2026-03-02T09:30:00Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"urgent-unassigned","kind":"unassigned","level":"grab","outcome":"fired","reason":"urgent_unassigned","repeat":0,"warning":false}','99991eb7c2a8ad43b2bb51f1d1abc69a6cfc0be4dedd7075849a2aa8ceb714ca');
INSERT INTO "event" VALUES(10,1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','ann','user','ticket.assign','{"assignee":"mia","from":null}','c25a66deed3aeeb994e6c23f923abbe3d9873942dd674e2ccc9233d8c47fa8a0');
INSERT INTO "event" VALUES(11,1,'2026-03-02T12:05:00Z','2026-03-02T12:05:00Z','ann','user','ticket.escalate','{"reason":"it burns"}','d367e81df0a8c43fe9b707dc66de3335c040b1031ac61e0063b32a4771ddd195');
INSERT INTO "event" VALUES(12,2,'2026-03-02T12:10:00Z','2026-03-02T12:10:00Z','ann','user','ticket.erase','{"body":[3,5,7],"requester_email":[3],"subject":[3]}','787ad9c955ed07db5790c766f7c66043e57dda3f3b46624824ef17a4c6204730');
INSERT INTO "event" VALUES(13,1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-02T11:00:00Z","target":"first_response"}','4a77f6d583f790372820b774b7c92b3f31cfd71854487f2f69eb102aa7da45c8');
INSERT INTO "event" VALUES(14,1,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"first-response","kind":"first_response","level":"breach","outcome":"fired","reason":"first_response_sla_breached","repeat":0,"warning":false}','d62104c48a3ad23105cc100f6a4b041a18fae93595b984cd4f3170ae7cbfcce0');
CREATE TABLE event_text (
	event_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id, field), 
	CONSTRAINT field_known CHECK (field IN ('body', 'subject', 'requester_email', 'actor')), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "event_text" VALUES(1,'subject','befaff104511ecbcf8e9bf7141543a10','Printer on fire');
INSERT INTO "event_text" VALUES(1,'requester_email','f97cd2ba166e997e13f7da299adf98ae','jo@example.com');
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
INSERT INTO "meta" VALUES('ladders_hash','b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7');
INSERT INTO "meta" VALUES('heartbeat','null');
INSERT INTO "meta" VALUES('rules_fingerprint','65024 2319140 5079 1795780781121293721 1795780781121293721');
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
	PRIMARY KEY (id), 
	CONSTRAINT state_known CHECK (state IN ('waiting', 'sending', 'sent', 'printed', 'held', 'obsolete', 'dropped', 'dead')), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_try_at_instant CHECK (next_try_at IS NULL OR next_try_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	UNIQUE (escalation_id, recipient), 
	FOREIGN KEY(escalation_id) REFERENCES escalation (id), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "notification" VALUES(1,1,1,'support_manager','waiting',0,'2026-03-02T09:30:00Z','2026-03-02T09:30:00Z',NULL,NULL,1,'{}',NULL,NULL,NULL);
INSERT INTO "notification" VALUES(2,3,1,'support_manager','waiting',0,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z',NULL,NULL,2,'{}',NULL,NULL,NULL);
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
INSERT INTO "rules_version" VALUES(1,'b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7','schema = 1

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
INSERT INTO "run" VALUES(1,'2026-03-02T09:30:00Z','2026-03-02T09:30:00Z',1,0,1,0,0,'{}',0,0,1,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',1144,'99991eb7c2a8ad43b2bb51f1d1abc69a6cfc0be4dedd7075849a2aa8ceb714ca',9);
INSERT INTO "run" VALUES(2,'2026-03-02T12:30:00Z','2026-03-02T12:30:00Z',1,1,1,0,0,'{}',0,0,1,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',1144,'d62104c48a3ad23105cc100f6a4b041a18fae93595b984cd4f3170ae7cbfcce0',14);
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
	created_at TEXT NOT NULL, 
	PRIMARY KEY (name), 
	CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 200), 
	CONSTRAINT plan_length CHECK (length(plan) BETWEEN 1 AND 200), 
	CONSTRAINT timezone_length CHECK (length(timezone) BETWEEN 1 AND 100), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z')
);
INSERT INTO "tenant" VALUES('acme','enterprise',NULL,'2026-03-02T09:00:00Z');
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
	CONSTRAINT due_target_known CHECK (due_target IN ('first_response', 'next_response', 'resolution')), 
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
INSERT INTO "ticket" VALUES(1,'A-1','acme','enterprise','jo@example.com','Printer on fire','open','urgent','mia','[]','enterprise','always',NULL,'2026-03-02T09:00:00Z','2026-03-02T12:30:00Z',NULL,NULL,NULL,'2026-03-02T11:00:00Z','first_response',1,1,3,NULL,'resolution','manager','2026-03-02T22:00:00Z',1,5);
INSERT INTO "ticket" VALUES(2,NULL,NULL,'free',NULL,NULL,'open','normal',NULL,'[]','free','always',NULL,'2026-03-02T09:05:00Z','2026-03-02T09:20:00Z','2026-03-02T09:10:00Z',NULL,NULL,'2026-03-09T09:15:00Z','resolution',0,0,0,NULL,'resolution','manager','2026-03-09T10:15:00Z',1,5);
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
	PRIMARY KEY (id), 
	CONSTRAINT kind_known CHECK (kind IN ('first_response', 'next_response', 'resolution', 'unassigned', 'idle', 'burst', 'created')), 
	CONSTRAINT state_known CHECK (state IN ('running', 'paused', 'met', 'breached')), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT due_at_instant CHECK (due_at IS NULL OR due_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT running_since_instant CHECK (running_since IS NULL OR running_since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT stopped_at_instant CHECK (stopped_at IS NULL OR stopped_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT breached_at_instant CHECK (breached_at IS NULL OR breached_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT detected_at_instant CHECK (detected_at IS NULL OR detected_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_at_instant CHECK (next_at IS NULL OR next_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT signs CHECK (cycle > 0 AND consumed_seconds >= 0 AND arming >= 0), 
	CONSTRAINT target_sign CHECK (target_seconds IS NULL OR target_seconds >= 0), 
	UNIQUE (ticket_id, kind, cycle), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "timer" VALUES(1,1,'first_response',1,1,'breached',7200,'2026-03-02T09:00:00Z','2026-03-02T11:00:00Z','2026-03-02T09:00:00Z',0,0,0,NULL,'2026-03-02T11:00:00Z','2026-03-02T12:30:00Z',NULL,0,0);
INSERT INTO "timer" VALUES(2,1,'resolution',1,1,'running',43200,'2026-03-02T09:00:00Z','2026-03-02T21:00:00Z','2026-03-02T09:00:00Z',0,0,0,NULL,NULL,NULL,'2026-03-02T21:00:01Z',0,0);
INSERT INTO "timer" VALUES(3,1,'unassigned',1,1,'met',NULL,'2026-03-02T09:00:00Z',NULL,NULL,10800,0,0,'2026-03-02T12:00:00Z',NULL,NULL,NULL,0,0);
INSERT INTO "timer" VALUES(4,2,'first_response',1,1,'met',172800,'2026-03-02T09:05:00Z','2026-03-04T09:05:00Z',NULL,300,0,0,'2026-03-02T09:10:00Z',NULL,NULL,NULL,0,0);
INSERT INTO "timer" VALUES(5,2,'resolution',1,1,'running',604800,'2026-03-02T09:05:00Z','2026-03-09T09:15:00Z','2026-03-02T09:20:00Z',300,600,0,NULL,NULL,NULL,'2026-03-09T09:15:01Z',0,0);
INSERT INTO "timer" VALUES(6,2,'unassigned',1,1,'running',NULL,'2026-03-02T09:05:00Z',NULL,'2026-03-02T09:05:00Z',0,0,0,NULL,NULL,NULL,NULL,0,0);
CREATE UNIQUE INDEX escalation_once ON escalation (ticket_id, kind, cycle, escalation, level, arming, repeat) WHERE source = 'automatic';
CREATE INDEX escalation_run ON escalation (run_id);
CREATE INDEX escalation_ticket ON escalation (ticket_id);
CREATE INDEX event_ticket ON event (ticket_id, at, id);
CREATE INDEX notification_waiting ON notification (next_try_at) WHERE state IN ('waiting', 'sending');
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
CREATE VIEW ticket_view AS SELECT t.id AS id, t.external_id AS external_id, t.tenant AS tenant, t.plan AS plan, t.requester_email AS requester_email, COALESCE(t.subject, t.external_id, '(erased)') AS subject, t.status AS status, t.priority AS priority, t.assignee AS assignee, t.tags AS tags, t.policy AS policy, t.created_at AS created_at, t.updated_at AS updated_at, fr.due_at AS first_response_due_at, t.first_responded_at AS first_responded_at, CASE WHEN fr.id IS NULL THEN 'none' WHEN fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE fr.state END AS first_response_state, CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END AS next_response_due_at, CASE WHEN nr.id IS NULL THEN 'none' WHEN nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE nr.state END AS next_response_state, rs.due_at AS resolution_due_at, t.resolved_at AS resolved_at, CASE WHEN rs.id IS NULL THEN 'none' WHEN rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE rs.state END AS resolution_state, t.due_at AS due_at, t.due_target AS due_target, CASE WHEN t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN CAST(strftime('%s', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS INTEGER) - CAST(strftime('%s', t.due_at) AS INTEGER) END AS overdue_seconds, COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0) AS breached, (t.missed OR COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)) AS ever_breached, t.escalated AS escalated, t.escalation_level AS escalation_level, CASE WHEN t.acked_until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN t.acked_until END AS acked_until, t.next_escalation AS next_escalation, t.next_level AS next_level, t.next_level_at AS next_level_at
FROM ticket t
LEFT JOIN timer fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN timer nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN timer rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1;
CREATE VIEW escalation_view AS SELECT id, ticket_id, source, escalation, level, repeat, reason, due_at, fired_at, outcome, actor, from_priority, to_priority, from_assignee, to_assignee, run_id FROM escalation;
CREATE VIEW event_view AS SELECT id, ticket_id, at, recorded_at, actor, actor_type, action, detail FROM event;
CREATE VIEW breach_view AS SELECT r.ticket_id AS ticket_id, t.external_id AS external_id, r.kind AS target, r.cycle AS cycle, r.due_at AS due_at, COALESCE(r.breached_at, r.due_at) AS breached_at, r.stopped_at AS stopped_at, r.detected_at AS detected_at, CAST(strftime('%s', COALESCE(r.stopped_at, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) AS INTEGER) - CAST(strftime('%s', COALESCE(r.breached_at, r.due_at)) AS INTEGER) AS overdue_seconds, t.priority AS priority, t.plan AS plan, t.tenant AS tenant, t.assignee AS assignee, t.policy AS policy
FROM timer r JOIN ticket t ON t.id = r.ticket_id
WHERE (r.breached_at IS NOT NULL OR r.due_at < COALESCE(r.stopped_at, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')));
CREATE VIEW summary_view AS SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS at, COUNT(*) AS open_count, COALESCE(SUM(t.assignee IS NULL), 0) AS unassigned_count, COALESCE(SUM(t.priority = 'urgent'), 0) AS urgent_open_count, COALESCE(SUM(t.escalated), 0) AS escalated_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS first_response_breached_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS next_response_breached_count, COALESCE(SUM(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), 0) AS resolution_breached_count
FROM ticket t
LEFT JOIN timer fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN timer nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN timer rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1
WHERE t.status NOT IN ('resolved', 'closed');
COMMIT;
