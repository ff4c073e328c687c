-- A desk as the first schema kept it: two tickets, a check.
PRAGMA application_id = 1397506371;
PRAGMA user_version = 1;
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
INSERT INTO "escalation" VALUES(1,1,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-03-01T12:00:00Z','2026-03-02T12:00:00Z','expired','slactl','normal','normal',NULL,NULL,1,NULL);
INSERT INTO "escalation" VALUES(2,2,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-02-23T12:00:00Z','2026-03-02T12:00:00Z','fired','slactl','normal','high','mia','mia',1,10);
INSERT INTO "escalation" VALUES(3,2,'automatic','resolution',1,'resolution','manager',0,0,'resolution_sla_breached','2026-02-28T13:00:00Z','2026-03-02T12:00:00Z','fired','slactl','high','high','mia','support-manager',1,12);
CREATE TABLE event (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	recorded_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	actor_type TEXT NOT NULL, 
	action TEXT NOT NULL, 
	detail TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT actor_type_known CHECK (actor_type IN ('user', 'system')), 
	CONSTRAINT at_instant CHECK (at IS NULL OR at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT recorded_at_instant CHECK (recorded_at IS NULL OR recorded_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT action_length CHECK (length(action) BETWEEN 1 AND 100), 
	CONSTRAINT detail_json CHECK (json_valid(detail)), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "event" VALUES(1,1,'2026-02-27T12:00:00Z','2026-03-02T12:00:00Z','ann','user','ticket.create','{"assignee":null,"body_hash":"b9a303773d87e934b2504a02b5878b552a94447b899d12604698306b215c4734","external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"160971d3bd94750e7bf880c4509a006440565af298c0eb58a207e09985222c88","rules":"b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7","status":"open","subject_hash":"b956ca2f7ff4c3fd0d33dc3ebcfd5937da7a62f59271c9d444135b1bc29c1aba","tags":[],"tenant":null,"timezone":null}');
INSERT INTO "event" VALUES(2,1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-01T12:00:00Z","policy":"free","resolution":"2026-03-06T12:00:00Z"}');
INSERT INTO "event" VALUES(3,1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','ann','user','ticket.reply','{"body_hash":"6b8c91fb9cfc7dfc97edd676227ab3eab329c0b8264948e0a9aaeae1b9d7c5a2"}');
INSERT INTO "event" VALUES(4,1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','ann','user','ticket.status','{"from":"open","status":"waiting_customer"}');
INSERT INTO "event" VALUES(5,2,'2026-02-21T12:00:00Z','2026-03-02T12:00:00Z','ann','user','ticket.create','{"assignee":"mia","external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"00c47af6191228f22805463a824fbf1f0d0b6e14cefcad926848bc5cedbaa023","rules":"b959d13d69a784cdc307ab362133280354e18d8a4f5b8bec19cae563db08e4c7","status":"open","subject_hash":"403899b5114abebf3301552cebe9418f973718d340aabd483c8a1ecdc806a8ce","tags":[],"tenant":null,"timezone":null}');
INSERT INTO "event" VALUES(6,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-02-23T12:00:00Z","policy":"free","resolution":"2026-02-28T12:00:00Z"}');
INSERT INTO "event" VALUES(7,1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-01T12:00:00Z","target":"first_response"}');
INSERT INTO "event" VALUES(8,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-02-23T12:00:00Z","target":"first_response"}');
INSERT INTO "event" VALUES(9,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-02-28T12:00:00Z","target":"resolution"}');
INSERT INTO "event" VALUES(10,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','ticket.escalate','{"escalation":"first-response","level":"breach","reason":"first_response_sla_breached","repeat":0,"warning":false}');
INSERT INTO "event" VALUES(11,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','ticket.priority','{"from":"normal","priority":"high"}');
INSERT INTO "event" VALUES(12,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','ticket.escalate','{"escalation":"resolution","level":"manager","reason":"resolution_sla_breached","repeat":0,"warning":false}');
INSERT INTO "event" VALUES(13,2,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z','slactl','system','ticket.assign','{"assignee":"support-manager","from":"mia"}');
CREATE TABLE event_text (
	event_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id, field), 
	CONSTRAINT field_known CHECK (field IN ('body', 'subject', 'requester_email')), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "event_text" VALUES(1,'subject','94d89ac5403dcfc11188f4db9eea531e','Printer');
INSERT INTO "event_text" VALUES(1,'requester_email','34f0f6b0655ce07c5c11ca265548a176','ann@example.com');
INSERT INTO "event_text" VALUES(1,'body','cee4f690e88da577ebac36128dbdbc36','smoke');
INSERT INTO "event_text" VALUES(3,'body','9f90d049dded2036de2a573fd7444bed','x');
INSERT INTO "event_text" VALUES(5,'subject','d0d32ee0f23c0a1ff587ba8a69ce9600','Mouse');
INSERT INTO "event_text" VALUES(5,'requester_email','dc16722db0c6f81907eab9f0366eea62','ann@example.com');
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
INSERT INTO "meta" VALUES('rules_fingerprint','d7701c664536d28e4ccbee65b5b10738ff3068e2880dfc87d2d301e29bb9ed7b');
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
INSERT INTO "notification" VALUES(1,2,2,'support_manager','printed',0,'2026-03-02T12:00:00Z',NULL,'2026-03-02T12:00:00Z',NULL,1);
INSERT INTO "notification" VALUES(2,3,2,'support_manager','printed',0,'2026-03-02T12:00:00Z',NULL,'2026-03-02T12:00:00Z',NULL,1);
INSERT INTO "notification" VALUES(3,3,2,'mia','printed',0,'2026-03-02T12:00:00Z',NULL,'2026-03-02T12:00:00Z',NULL,1);
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
','2026-03-02T12:00:00Z','0.109');
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
	rules_version INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "run" VALUES(1,'2026-03-02T12:00:00Z','2026-03-02T12:00:00Z',2,3,2,3,0,'{"expired": 1}',0,NULL);
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
	CONSTRAINT signs CHECK (id > 0 AND version > 0 AND escalation_level >= 0), 
	CONSTRAINT tags_json CHECK (json_valid(tags)), 
	UNIQUE (external_id), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "ticket" VALUES(1,NULL,NULL,'free','ann@example.com','Printer','waiting_customer','normal',NULL,'[]','free','always',NULL,'2026-02-27T12:00:00Z','2026-03-02T12:00:00Z','2026-03-02T12:00:00Z',NULL,NULL,NULL,NULL,1,0,0,NULL,1,1);
INSERT INTO "ticket" VALUES(2,NULL,NULL,'free','ann@example.com','Mouse','open','high','support-manager','[]','free','always',NULL,'2026-02-21T12:00:00Z','2026-03-02T12:00:00Z',NULL,NULL,NULL,'2026-02-23T12:00:00Z','first_response',1,1,2,NULL,1,1);
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
INSERT INTO "timer" VALUES(1,1,'first_response',1,1,'breached',172800,'2026-02-27T12:00:00Z','2026-03-01T12:00:00Z',NULL,259200,'2026-03-02T12:00:00Z','2026-03-01T12:00:00Z','2026-03-02T12:00:00Z',NULL,0,0);
INSERT INTO "timer" VALUES(2,1,'resolution',1,1,'paused',604800,'2026-02-27T12:00:00Z',NULL,NULL,259200,NULL,NULL,NULL,NULL,0,0);
INSERT INTO "timer" VALUES(3,1,'unassigned',1,1,'running',NULL,'2026-02-27T12:00:00Z',NULL,'2026-02-27T12:00:00Z',0,NULL,NULL,NULL,NULL,0,0);
INSERT INTO "timer" VALUES(4,2,'first_response',1,1,'breached',172800,'2026-02-21T12:00:00Z','2026-02-23T12:00:00Z','2026-02-21T12:00:00Z',0,NULL,'2026-02-23T12:00:00Z','2026-03-02T12:00:00Z',NULL,0,0);
INSERT INTO "timer" VALUES(5,2,'resolution',1,1,'breached',604800,'2026-02-21T12:00:00Z','2026-02-28T12:00:00Z','2026-02-21T12:00:00Z',0,NULL,'2026-02-28T12:00:00Z','2026-03-02T12:00:00Z',NULL,0,0);
CREATE INDEX ticket_assignee ON ticket (assignee, due_at, id);
CREATE INDEX ticket_created ON ticket (created_at);
CREATE INDEX ticket_open ON ticket (due_at, id) WHERE status NOT IN ('resolved', 'closed');
CREATE INDEX ticket_requester ON ticket (requester_email);
CREATE INDEX ticket_tenant ON ticket (tenant, due_at, id);
CREATE INDEX ticket_updated ON ticket (updated_at);
CREATE INDEX event_ticket ON event (ticket_id, at, id);
CREATE UNIQUE INDEX timer_latest ON timer (ticket_id, kind) WHERE latest = 1;
CREATE INDEX timer_next ON timer (next_at, ticket_id) WHERE next_at IS NOT NULL;
CREATE UNIQUE INDEX escalation_once ON escalation (ticket_id, kind, cycle, escalation, level, arming, repeat) WHERE source = 'automatic';
CREATE INDEX escalation_run ON escalation (run_id);
CREATE INDEX escalation_ticket ON escalation (ticket_id);
CREATE INDEX notification_waiting ON notification (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE TRIGGER event_never_changes BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER event_never_vanishes BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the event log is append-only');  END;
CREATE VIEW ticket_view AS SELECT t.id AS id, t.external_id AS external_id, t.tenant AS tenant, t.plan AS plan, t.requester_email AS requester_email, COALESCE(t.subject, t.external_id) AS subject, t.status AS status, t.priority AS priority, t.assignee AS assignee, t.tags AS tags, t.policy AS policy, t.created_at AS created_at, t.updated_at AS updated_at, fr.due_at AS first_response_due_at, t.first_responded_at AS first_responded_at, CASE WHEN fr.id IS NULL THEN 'none' WHEN fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE fr.state END AS first_response_state, CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END AS next_response_due_at, CASE WHEN nr.id IS NULL THEN 'none' WHEN nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE nr.state END AS next_response_state, rs.due_at AS resolution_due_at, t.resolved_at AS resolved_at, CASE WHEN rs.id IS NULL THEN 'none' WHEN rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE rs.state END AS resolution_state, t.due_at AS due_at, t.due_target AS due_target, CASE WHEN t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN CAST(strftime('%s', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS INTEGER) - CAST(strftime('%s', t.due_at) AS INTEGER) END AS overdue_seconds, COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0) AS breached, (t.missed OR COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)) AS ever_breached, t.escalated AS escalated, t.escalation_level AS escalation_level, CASE WHEN t.acked_until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN t.acked_until END AS acked_until
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
