-- A desk as the nineteenth schema kept it: that of schema_18.sql after its upgrade.
PRAGMA application_id = 1397506371;
PRAGMA user_version = 19;
BEGIN TRANSACTION;
CREATE TABLE absence (
	id INTEGER NOT NULL, 
	person TEXT NOT NULL, 
	substitute TEXT, 
	starts_at TEXT NOT NULL, 
	ends_at TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	removed_at TEXT, 
	removed_by TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT starts_at_instant CHECK (starts_at IS NULL OR starts_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ends_at_instant CHECK (ends_at IS NULL OR ends_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT removed_at_instant CHECK (removed_at IS NULL OR removed_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT person_length CHECK (length(person) BETWEEN 1 AND 200), 
	CONSTRAINT substitute_length CHECK (length(substitute) BETWEEN 1 AND 200), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT in_order CHECK (starts_at < ends_at)
);
INSERT INTO "absence" VALUES(2,'ann','bob','2026-12-24T00:00:00Z','2026-12-27T00:00:00Z','ann','2026-11-28T00:54:35Z',NULL,NULL);
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
INSERT INTO "escalation" VALUES(1,1,'automatic','unassigned',1,'urgent-unassigned','grab',0,0,'urgent_unassigned','2026-03-02T09:10:00Z','2026-11-27T22:08:47Z','fired','slactl','urgent','urgent',NULL,NULL,1,10);
INSERT INTO "escalation" VALUES(2,1,'automatic','first_response',1,'first-response','breach',0,0,'first_response_sla_breached','2026-03-02T11:00:00Z','2026-11-27T22:08:47Z','expired','slactl','urgent','urgent',NULL,NULL,1,NULL);
INSERT INTO "escalation" VALUES(3,2,'automatic','resolution',1,'resolution','manager',0,0,'resolution_sla_breached','2026-03-11T10:00:00Z','2026-11-27T22:08:47Z','fired','slactl','low','high',NULL,'support-manager',1,12);
INSERT INTO "escalation" VALUES(4,4,'automatic','resolution',1,'resolution','late',0,0,'resolution_sla_breached','2026-11-28T01:44:03Z','2026-11-28T05:30:00Z','baseline','slactl','normal','normal',NULL,NULL,4,NULL);
INSERT INTO "escalation" VALUES(5,5,'automatic','resolution',1,'resolution','late',0,0,'resolution_sla_breached','2026-11-28T05:00:00Z','2026-11-28T05:30:00Z','fired','slactl','normal','normal',NULL,NULL,4,28);
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
INSERT INTO "event" VALUES(1,1,'2026-03-02T09:00:00Z','2026-11-27T22:08:37Z','alice','user','ticket.create','{"assignee":null,"body_hash":"9eed0575a521977727258b9cccda2031708f1d2760c99159d96c5a6cf3826760","country":null,"external_id":"A-1","plan":"enterprise","priority":"urgent","requester_domain":"example.com","requester_email_hash":"6dd8a2c7a853ef7f3d031bafb8dfacf17d92f4af34dcc57da2f98d9f28679cde","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 a948bd2bff7d9ffc406521cb70a86d17ab2063ea10e7368769c7c9adc81a9e1b","status":"open","subdivision":null,"subject_hash":"81cf3f5c0d834911976e797d2ba2df4d31b438de5c1f18438f53a15efab4e3f1","tags":[],"tenant":null,"timezone":null,"unix_user":"root"}','4d324bcade1d11e88985767273cb9099362faf139685a1e212be91d251158cb5');
INSERT INTO "event" VALUES(2,1,'2026-11-27T22:08:37Z','2026-11-27T22:08:37Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-02T11:00:00Z","policy":"enterprise","resolution":"2026-03-02T21:00:00Z","unix_user":"root"}','9175191f73278770489c5dd709ee87c8619fbf9ada55e4b5993a61af9c03c1ed');
INSERT INTO "event" VALUES(3,1,'2026-03-02T12:40:00Z','2026-11-27T22:08:39Z','alice','user','ticket.reply','{"body_hash":"65483ebd13be37b1daab3e58f135fedbd932a30c8c36b812f4d2bdbc0b300997","unix_user":"root"}','ee16b58631098647d0667403d181e7725709d16908d10f3ff3e75c884080a8aa');
INSERT INTO "event" VALUES(4,1,'2026-03-02T12:40:00Z','2026-11-27T22:08:39Z','alice','user','ticket.status','{"from":"open","status":"waiting_customer","unix_user":"root"}','270a458e4189fad3463f4bbc173c8578d2a0f63b79e327f5363453d44ac4beca');
INSERT INTO "event" VALUES(5,2,'2026-03-01T09:00:00Z','2026-11-27T22:08:41Z','bob','user','ticket.create','{"external_id":"7","plan":"free","priority":"low","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 a948bd2bff7d9ffc406521cb70a86d17ab2063ea10e7368769c7c9adc81a9e1b","source":"web","status":"open","unix_user":"root","unknown":["first_response","next_response","update"]}','32d7e03d0a9c4acdbf0365ab476518a29c6e30c309e907b07d74484573466d0e');
INSERT INTO "event" VALUES(6,3,'2026-03-02T09:05:00Z','2026-11-27T22:08:43Z','alice','user','ticket.create','{"assignee":null,"country":null,"external_id":"B 2","plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"019de7991280348cb143c150368685033b5680720d8024a46062c0faf6207530","rules":"66a5c6950133a10eca01ebb81aefb12a6372a75e592a328beb1ff3445845d7ea","rules_seal":"1 a948bd2bff7d9ffc406521cb70a86d17ab2063ea10e7368769c7c9adc81a9e1b","status":"open","subdivision":null,"subject_hash":"fc5dd2eeec0eb9d85c7bf999f6519a9800f50ea005f7c410ddd00d28f4ab8ee9","tags":["vpn"],"tenant":null,"timezone":null,"unix_user":"root"}','0af7e239b4d9163c6756a41a2c80cfdc66077684b0fe3636a39d4c57fb6e4a11');
INSERT INTO "event" VALUES(7,3,'2026-11-27T22:08:43Z','2026-11-27T22:08:43Z','slactl','system','sla.due','{"because":"ticket opened","first_response":"2026-03-04T09:05:00Z","policy":"free","resolution":"2026-03-09T09:05:00Z","unix_user":"root"}','829fe6d8d1a4cc94e5e64c260673f867289b007ad57d5bce141df63d0496916c');
INSERT INTO "event" VALUES(8,3,'2026-03-02T13:00:00Z','2026-11-27T22:08:45Z','alice','user','ticket.resolve','{"from":"open","status":"resolved","unix_user":"root"}','d35f684e5f528cb80acf9eb55d0c8676860bed464ad23473444e050e4e221116');
INSERT INTO "event" VALUES(9,1,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-02T11:00:00Z","rules_seal":"1 a948bd2bff7d9ffc406521cb70a86d17ab2063ea10e7368769c7c9adc81a9e1b","target":"first_response","unix_user":"root"}','7dc60e9c5e6088a2fdf59b73734c7b2db9df1c3823a26054262ad88e948b5ffc');
INSERT INTO "event" VALUES(10,1,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"urgent-unassigned","kind":"unassigned","level":"grab","outcome":"fired","reason":"urgent_unassigned","repeat":0,"unix_user":"root","warning":false}','7f884764e326efc451837c95004cf9ca6481c40b86b56265f0fc61885b4ffbe8');
INSERT INTO "event" VALUES(11,2,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','sla.breach','{"cycle":1,"due_at":"2026-03-11T09:00:00Z","rules_seal":"1 a948bd2bff7d9ffc406521cb70a86d17ab2063ea10e7368769c7c9adc81a9e1b","target":"resolution","unix_user":"root"}','301c33a4e5ae87fc52314b954dc58d360fbbd516b5400c9f1bcb0c465cd40b3f');
INSERT INTO "event" VALUES(12,2,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','ticket.escalate','{"arming":0,"cycle":1,"escalation":"resolution","kind":"resolution","level":"manager","outcome":"fired","reason":"resolution_sla_breached","repeat":0,"unix_user":"root","warning":false}','f51d484b100cfd0e40044d821a17c472beafbef03c5dcb0f9127e11ab3eee505');
INSERT INTO "event" VALUES(13,2,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','ticket.priority','{"from":"low","priority":"high","unix_user":"root"}','12a6ecbf12cc96d693d5de69139c4aa4a53d22644c7b564f9a84fcd7315f2f2c');
INSERT INTO "event" VALUES(14,2,'2026-11-27T22:08:47Z','2026-11-27T22:08:47Z','slactl','system','ticket.assign','{"assignee":"support-manager","from":null,"unix_user":"root"}','5624ce720097a7e480bda702e5395c6937c44e910a84ee8483f17568e6b4df45');
INSERT INTO "event" VALUES(15,2,'2026-11-27T23:21:16Z','2026-11-27T23:21:16Z','bob','user','ticket.note','{"body_hash":"a7ca5a00cd9cc3ba4bc45f58c636b9bf483e8b770b49ef97fd5d63200c852bb5","unix_user":"root"}','80e6c151beb267a5b5d00456527471209c7f1a81dd400d5894008da87a8293a8');
INSERT INTO "event" VALUES(16,1,'2026-11-27T23:39:54Z','2026-11-27T23:39:54Z','ann','user','ticket.status','{"from":"waiting_customer","status":"pending","unix_user":"root","until":"2026-12-24T09:00:00Z"}','e073a379b68d855ec6694196532ab17dd0b92f0c6bf1c0ad9c8bdea7cd0327fa');
INSERT INTO "event" VALUES(17,2,'2026-11-27T23:39:55Z','2026-11-27T23:39:55Z','ann','user','ticket.status','{"from":"open","status":"pending","unix_user":"root","until":"2026-12-24T09:00:00Z"}','5f170218bdb3beadc15b2877dcb7d09b5b864dce2fbc2a98e08011b2bbeb7237');
INSERT INTO "event" VALUES(18,1,'2026-11-28T02:12:05Z','2026-11-28T02:12:05Z','root','user','ticket.note','{"body_hash":"d393e4e159026867b38a4a06207b0e0e9fd7ed420bcc2ed286b0025fcd1c8ef1","change":18,"unix_user":"root"}','5763f8770b52f30e3ec51c9cf0bbeb1f4127d5954329deedaf3d68b723c22a9a');
INSERT INTO "event" VALUES(19,4,'2026-11-27T21:44:03Z','2026-11-28T02:44:03Z','ann','user','ticket.create','{"assignee":null,"change":19,"country":null,"external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"cfeb1a57586e1f91abeb96677df421c253e5371171138b8f71aafc9dfb4efd70","rules":"f0a38556d9ef95e7e8de226afca274f3653ef002e76c82a10466d28744a5f3c6","rules_seal":"3 fb472c180c1e4d7662df75781dd1beb84bfeab11142ca99c23e426f1aba431fe","status":"open","subdivision":null,"subject_hash":"4318a46459e7b4a40636c48b6be4beff4cedfad0e194c39307831bb2927b9c53","tags":[],"tenant":null,"timezone":null,"unix_user":"root"}','ac98eba96f2f7844c2d4c17284540e9c9ec53c7afb0cff52f864539bd919f405');
INSERT INTO "event" VALUES(20,4,'2026-11-28T02:44:03Z','2026-11-28T02:44:03Z','slactl','system','sla.due','{"because":"ticket opened","change":19,"policy":"free","resolution":"2026-11-28T01:44:03Z","unix_user":"root"}','556b455c0ec1eab87881108bbf9fe9ce4746f9fe106aa28e6e93556ad11b4daf');
INSERT INTO "event" VALUES(21,4,'2026-11-28T02:44:03Z','2026-11-28T02:44:03Z','slactl','system','sla.breach','{"change":21,"cycle":1,"due_at":"2026-11-28T01:44:03Z","rules_seal":"3 fb472c180c1e4d7662df75781dd1beb84bfeab11142ca99c23e426f1aba431fe","target":"resolution","unix_user":"root"}','dcf7f807c05f6937bd9c605cbd4b2cec073c44376d6a2060418dd4ac38241757');
INSERT INTO "event" VALUES(22,4,'2026-11-28T02:44:03Z','2026-11-28T02:44:03Z','slactl','system','objective.alert','{"change":21,"goal":"95%","kept":1,"missed":2,"needed":37,"objective":"resolved in time","period":"2026","spare":0,"thresholds":["spare 2","below"],"tickets":[2,4],"unix_user":"root"}','90b81299fa7884301ddb4828f813169f96dfc08c895fb99df228ebf04ae9bb89');
INSERT INTO "event" VALUES(23,5,'2026-11-28T04:00:00Z','2026-11-28T04:00:00Z','ann','user','ticket.create','{"assignee":null,"change":23,"country":null,"external_id":null,"plan":"free","priority":"normal","requester_domain":"example.com","requester_email_hash":"d080ff9f35a80b5a979ef851e620499b70529e81ab79045069794d65558d4383","rules":"9ce7f6345fc08f00357da6508c2382352372e2bdd8589b907c6d0c637c5f448c","rules_seal":"4 b6ab79b1ef09feaf103a2f0d4ea26ee6bc15a8576bd9b605a44c3e26884c359c","status":"open","subdivision":null,"subject_hash":"2453270a673eeea717529df8853d24a7afb25b47269b4a6dcb626bbe36f3b648","tags":[],"tenant":null,"timezone":null,"unix_user":"root"}','a89bdd73d478e8ee5228223521d57f8a745841e0b07246dfa4d9f5a15354cdf3');
INSERT INTO "event" VALUES(24,5,'2026-11-28T04:00:00Z','2026-11-28T04:00:00Z','slactl','system','sla.due','{"because":"ticket opened","change":23,"policy":"all","resolution":"2026-11-28T12:00:00Z","unix_user":"root"}','1bc44a7625b8cb554415fdbf11ce1ab29d2e702274d14c65a246925e4ec03baa');
INSERT INTO "event" VALUES(25,5,'2026-11-28T04:01:00Z','2026-11-28T04:01:00Z','ann','user','sla.due','{"change":25,"due_at":"2026-11-28T05:00:00Z","reason":"typo","target":"resolution","unix_user":"root"}','12e2b70821c97fd7e5af9ea3964f3476f67106c33fbdcb89cef07f5bcf20c39e');
INSERT INTO "event" VALUES(26,5,'2026-11-28T04:01:00Z','2026-11-28T04:01:00Z','slactl','system','sla.due','{"because":"set by hand","change":25,"policy":"all","resolution":"2026-11-28T05:00:00Z","unix_user":"root"}','22244f18a2cda2b54b0a73e180755c7d9760411f56bdc4197c399b96ea567f4f');
INSERT INTO "event" VALUES(27,5,'2026-11-28T05:30:00Z','2026-11-28T05:30:00Z','slactl','system','sla.breach','{"change":27,"cycle":1,"due_at":"2026-11-28T05:00:00Z","rules_seal":"4 b6ab79b1ef09feaf103a2f0d4ea26ee6bc15a8576bd9b605a44c3e26884c359c","target":"resolution","unix_user":"root"}','c1689c596645bf5f0a71182bd6ef26cfeedc2092099b29758b239395c9241f33');
INSERT INTO "event" VALUES(28,5,'2026-11-28T05:30:00Z','2026-11-28T05:30:00Z','slactl','system','ticket.escalate','{"arming":0,"change":27,"cycle":1,"escalation":"resolution","kind":"resolution","level":"late","outcome":"fired","reason":"resolution_sla_breached","repeat":0,"unix_user":"root","warning":false}','8ba25c4583cb6c844c9cfaab43607fe9f37c5f30a1ba1da09561390ab1e8f316');
INSERT INTO "event" VALUES(29,5,'2026-11-28T05:30:00Z','2026-11-28T05:30:00Z','slactl','system','ticket.note','{"body_hash":"228e0f449550fe863620fe9e885bc5a3af6a55edcf3f95005e5723564c8bd0fe","change":27,"unix_user":"root"}','433c48cd9feec8ac38eac821829e88137d6e03eb3344e500fd43c81397cbf107');
INSERT INTO "event" VALUES(30,5,'2026-11-28T05:31:00Z','2026-11-28T05:31:00Z','ann','user','ticket.retract','{"change":30,"events":["12e2b70821c97fd7"],"numbers":[25],"undoes":25,"unix_user":"root"}','6c58abed237cc2b680ca3a2075177cf7f46e1e57918b3484fc45f32c0c7e6beb');
INSERT INTO "event" VALUES(31,5,'2026-11-28T05:31:00Z','2026-11-28T05:31:00Z','slactl','system','sla.due','{"because":"change 25 undone","change":30,"policy":"all","resolution":"2026-11-28T12:00:00Z","unix_user":"root"}','b5b5e05b770a0e34cf549919027f350216f87af8c3e3eb211dbf14713a7a3503');
INSERT INTO "event" VALUES(32,5,'2026-11-28T05:31:00Z','2026-11-28T05:31:00Z','ann','user','sla.correct','{"change":30,"cycle":1,"due_at":"2026-11-28T05:00:00Z","reason":"change 25 undone","target":"resolution","unix_user":"root"}','713428859f8a29c6cf4e1f32c72fd581cf8fed4491dc0b11f17cd1515ffc8b20');
INSERT INTO "event" VALUES(33,5,'2026-11-28T05:32:00Z','2026-11-28T05:32:00Z','ann','user','sla.due','{"change":33,"due_at":"2026-11-28T10:00:00Z","reason":"agreed","target":"resolution","unix_user":"root"}','bd667cbfc12975e59aa6b7c1c41a04448b2c1e001b0f7bea8c17603d8dac9341');
INSERT INTO "event" VALUES(34,5,'2026-11-28T05:32:00Z','2026-11-28T05:32:00Z','slactl','system','sla.due','{"because":"set by hand","change":33,"policy":"all","resolution":"2026-11-28T10:00:00Z","unix_user":"root"}','538255804948aaf4f66dd0e471fb3a54ed9ae62ff081143a7be6464df1b538bc');
INSERT INTO "event" VALUES(35,1,'2026-11-28T05:09:55Z','2026-11-28T05:09:55Z','ann','user','ticket.tags','{"added":["upgraded"],"change":35,"tags":["upgraded"],"unix_user":"root"}','e96f5e9b6eae22c8a7cb8b539f389d6374a7073ee5ed869af491383eb89a3ef1');
CREATE TABLE event_text (
	event_id INTEGER NOT NULL, 
	field TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (event_id, field), 
	CONSTRAINT field_known CHECK (field IN ('body', 'subject', 'requester_email', 'actor')), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
INSERT INTO "event_text" VALUES(1,'subject','e1489ffdf8727cb51d57f1bc64416fab','Printer on fire');
INSERT INTO "event_text" VALUES(1,'requester_email','78fa09e628a072613df6ed978553bc41','tom@example.com');
INSERT INTO "event_text" VALUES(1,'body','1399473c3256f012d0036ce38a2c0e2b','It burns');
INSERT INTO "event_text" VALUES(3,'body','815d946b5a863f0cbd7fc1f06fed9be3','On my way');
INSERT INTO "event_text" VALUES(6,'subject','d494af73c6aa5c3098d3144334ea5b14','VPN is slow');
INSERT INTO "event_text" VALUES(6,'requester_email','59124ad094299d87eb3b080df2ff4774','ida@example.com');
INSERT INTO "event_text" VALUES(15,'body','8f8b318340835da976b7237c3490cf77','Still waiting');
INSERT INTO "event_text" VALUES(18,'body','0ff67040f06f5e5878628c4554b4f5b0','upgraded');
INSERT INTO "event_text" VALUES(19,'subject','3c3b07e9115d2762986bb7f196729513','Printer on fire');
INSERT INTO "event_text" VALUES(19,'requester_email','a07121be8b43de4800c4bb7b2126e4c2','ann@example.com');
INSERT INTO "event_text" VALUES(23,'subject','5315a5d05e6de46027c4824d6ab948c2','Undone');
INSERT INTO "event_text" VALUES(23,'requester_email','c4ca767ba41dfe03ffbbd0ec4ad08097','ann@example.com');
INSERT INTO "event_text" VALUES(29,'body','0aa711fdfb1934af6a180353e6a269be','late');
CREATE TABLE holiday_year (
	country TEXT NOT NULL, 
	subdivision TEXT NOT NULL, 
	library_version TEXT NOT NULL, 
	year INTEGER NOT NULL, 
	days TEXT NOT NULL, 
	PRIMARY KEY (country, subdivision, library_version, year)
);
CREATE TABLE host (
	name TEXT NOT NULL, 
	rules_fingerprint TEXT NOT NULL, 
	rules_hash TEXT NOT NULL, 
	noted_at TEXT NOT NULL, 
	PRIMARY KEY (name), 
	CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 100), 
	CONSTRAINT rules_fingerprint_length CHECK (length(rules_fingerprint) BETWEEN 1 AND 200), 
	CONSTRAINT noted_at_instant CHECK (noted_at IS NULL OR noted_at LIKE '____-__-__T__:__:__Z')
);
INSERT INTO "host" VALUES('desk-1','65024 3358947 544 1795833842542227678 1795833842542227678','f0a38556d9ef95e7e8de226afca274f3653ef002e76c82a10466d28744a5f3c6','2026-11-28T02:44:03Z');
INSERT INTO "host" VALUES('vm','65024 2213018 245 1795840574806982238 1795840574806982238','9ce7f6345fc08f00357da6508c2382352372e2bdd8589b907c6d0c637c5f448c','2026-11-28T05:30:00Z');
CREATE TABLE lease (
	name TEXT NOT NULL, 
	claimed_by TEXT NOT NULL, 
	claimed_until TEXT NOT NULL, 
	PRIMARY KEY (name), 
	CONSTRAINT name_length CHECK (length(name) BETWEEN 1 AND 100), 
	CONSTRAINT claimed_by_length CHECK (length(claimed_by) BETWEEN 1 AND 300), 
	CONSTRAINT claimed_until_instant CHECK (claimed_until IS NULL OR claimed_until LIKE '____-__-__T__:__:__Z')
);
CREATE TABLE mail_id (
	message_id TEXT NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	event_id INTEGER NOT NULL, 
	PRIMARY KEY (message_id), 
	CONSTRAINT message_id_length CHECK (length(message_id) BETWEEN 1 AND 1000), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id), 
	FOREIGN KEY(event_id) REFERENCES event (id)
);
CREATE TABLE meta (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "meta" VALUES('own_rules_hash','9ce7f6345fc08f00357da6508c2382352372e2bdd8589b907c6d0c637c5f448c');
INSERT INTO "meta" VALUES('outcomes_from','34');
CREATE TABLE notification (
	id INTEGER NOT NULL, 
	escalation_id INTEGER, 
	event_id INTEGER, 
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
	stands_in_for TEXT, 
	message_ids TEXT DEFAULT '{}' NOT NULL, 
	claimed_by TEXT, 
	claimed_until TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT state_known CHECK (state IN ('waiting', 'sending', 'sent', 'partly', 'printed', 'held', 'obsolete', 'dropped', 'dead')), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_try_at_instant CHECK (next_try_at IS NULL OR next_try_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT claimed_until_instant CHECK (claimed_until IS NULL OR claimed_until LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT claimed_by_length CHECK (length(claimed_by) BETWEEN 1 AND 300), 
	CONSTRAINT about_one CHECK ((escalation_id IS NULL) <> (event_id IS NULL)), 
	UNIQUE (escalation_id, recipient), 
	UNIQUE (event_id, recipient), 
	FOREIGN KEY(escalation_id) REFERENCES escalation (id), 
	FOREIGN KEY(event_id) REFERENCES event (id), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id), 
	FOREIGN KEY(run_id) REFERENCES run (id)
);
INSERT INTO "notification" VALUES(1,1,NULL,1,'support_manager','obsolete',0,'2026-11-27T22:08:47Z',NULL,'2026-11-28T00:54:35Z',NULL,2,'{}',NULL,NULL,NULL,NULL,'{}',NULL,NULL);
INSERT INTO "notification" VALUES(2,3,NULL,2,'support_manager','printed',0,'2026-11-27T22:08:47Z',NULL,'2026-11-28T02:44:03Z',NULL,3,'{}','','silence 2',NULL,NULL,'{}',NULL,NULL);
INSERT INTO "notification" VALUES(3,NULL,22,4,'ann','printed',0,'2026-11-28T02:44:03Z',NULL,'2026-11-28T02:44:03Z',NULL,3,'{}','',NULL,NULL,NULL,'{}',NULL,NULL);
CREATE TABLE objective_alert (
	id INTEGER NOT NULL, 
	objective TEXT NOT NULL, 
	period TEXT NOT NULL, 
	threshold TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT at_instant CHECK (at IS NULL OR at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT objective_length CHECK (length(objective) BETWEEN 1 AND 200), 
	CONSTRAINT period_length CHECK (length(period) BETWEEN 1 AND 20), 
	CONSTRAINT threshold_length CHECK (length(threshold) BETWEEN 1 AND 40), 
	UNIQUE (objective, period, threshold)
);
INSERT INTO "objective_alert" VALUES(1,'resolved in time','2026','spare 2','2026-11-28T02:44:03Z');
INSERT INTO "objective_alert" VALUES(2,'resolved in time','2026','below','2026-11-28T02:44:03Z');
CREATE TABLE objective_standing (
	name TEXT NOT NULL, 
	period TEXT NOT NULL, 
	since TEXT NOT NULL, 
	until TEXT NOT NULL, 
	target TEXT NOT NULL, 
	goal FLOAT NOT NULL, 
	kept INTEGER DEFAULT 0 NOT NULL, 
	missed INTEGER DEFAULT 0 NOT NULL, 
	attained FLOAT, 
	spare INTEGER, 
	needed INTEGER, 
	open_at_risk INTEGER, 
	credit FLOAT, 
	state TEXT NOT NULL, 
	as_of TEXT NOT NULL, 
	PRIMARY KEY (name), 
	CONSTRAINT since_instant CHECK (since IS NULL OR since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT until_instant CHECK (until IS NULL OR until LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT as_of_instant CHECK (as_of IS NULL OR as_of LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT state_known CHECK (state IN ('no_data', 'kept', 'at_risk', 'below')), 
	CONSTRAINT signs CHECK (kept >= 0 AND missed >= 0)
);
CREATE TABLE oncall_standing (
	schedule TEXT NOT NULL, 
	person TEXT, 
	since TEXT, 
	until TEXT, 
	next_person TEXT, 
	next_at TEXT, 
	source TEXT, 
	instead_of TEXT, 
	as_of TEXT NOT NULL, 
	PRIMARY KEY (schedule), 
	CONSTRAINT since_instant CHECK (since IS NULL OR since LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT until_instant CHECK (until IS NULL OR until LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT next_at_instant CHECK (next_at IS NULL OR next_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT as_of_instant CHECK (as_of IS NULL OR as_of LIKE '____-__-__T__:__:__Z')
);
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
INSERT INTO "outcome" VALUES(3,3,'first_response',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,0,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(4,3,'resolution',1,0,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,NULL,NULL,1,1,14100,0,0,'free',NULL,'normal',NULL,'free','["vpn"]');
INSERT INTO "outcome" VALUES(5,1,'first_response',1,0,'2026-03-02T09:00:00Z','2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-03-02T11:00:00Z','2026-11-27T22:08:47Z',0,1,13200,0,0,'enterprise',NULL,'urgent',NULL,'enterprise','[]');
INSERT INTO "outcome" VALUES(6,2,'resolution',1,0,'2026-03-01T09:00:00Z',NULL,'2026-03-11T09:00:00Z','2026-03-11T09:00:00Z','2026-11-27T22:08:47Z',0,0,NULL,NULL,NULL,'free',NULL,'low',NULL,'free','[]');
INSERT INTO "outcome" VALUES(7,4,'resolution',1,0,'2026-11-27T21:44:03Z',NULL,'2026-11-28T01:44:03Z','2026-11-28T01:44:03Z','2026-11-28T02:44:03Z',0,0,NULL,NULL,NULL,'free',NULL,'normal',NULL,'free','[]');
CREATE TABLE override (
	id INTEGER NOT NULL, 
	schedule TEXT NOT NULL, 
	person TEXT NOT NULL, 
	starts_at TEXT NOT NULL, 
	ends_at TEXT NOT NULL, 
	reason TEXT, 
	actor TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	removed_at TEXT, 
	removed_by TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT starts_at_instant CHECK (starts_at IS NULL OR starts_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ends_at_instant CHECK (ends_at IS NULL OR ends_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT removed_at_instant CHECK (removed_at IS NULL OR removed_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT schedule_length CHECK (length(schedule) BETWEEN 1 AND 200), 
	CONSTRAINT person_length CHECK (length(person) BETWEEN 1 AND 200), 
	CONSTRAINT reason_length CHECK (length(reason) BETWEEN 1 AND 1000), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT in_order CHECK (starts_at < ends_at)
);
INSERT INTO "override" VALUES(1,'first','bob','2026-12-01T09:00:00Z','2026-12-02T09:00:00Z','swap','ann','2026-11-28T00:54:34Z',NULL,NULL);
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
','2026-11-27T22:08:37Z','0.109');
INSERT INTO "rules_version" VALUES(2,'f25a21eb8b2e39f694a15e2f5bb02c95ecff95e2683abf822d66191034a85a8a','policy = [
    { calendar = "always", name = "free", targets = { default = { resolution = "4h" } } },
]
schema = 1

[calendars.always]
always_open = true

[people.ann]
emails = [
    "ann@example.com",
]

[people.bob]
emails = [
    "bob@example.com",
]

[schedules.first]
timezone = "Europe/Berlin"

[[schedules.first.layer]]
from = 2026-01-05 09:00:00
people = [
    "ann",
    "bob",
]
rotate = "1w"

[settings]
default_plan = "free"
','2026-11-28T00:54:35Z','0.109');
INSERT INTO "rules_version" VALUES(3,'f0a38556d9ef95e7e8de226afca274f3653ef002e76c82a10466d28744a5f3c6','policy = [
    { calendar = "always", name = "free", targets = { default = { resolution = "4h" } } },
]
schema = 1

[calendars.always]
always_open = true

[[objective]]
goal = "95%"
name = "resolved in time"
notify = [
    "ann",
]
period = "year"
target = "resolution"

[objective.notify_at]
below = true
spare = 2

[people.ann]
emails = [
    "ann@example.com",
]

[people.bob]
emails = [
    "bob@example.com",
]

[schedules.first]
timezone = "Europe/Berlin"

[[schedules.first.layer]]
from = 2026-01-05 09:00:00
people = [
    "ann",
    "bob",
]
rotate = "1w"

[settings]
default_plan = "free"
','2026-11-28T02:44:03Z','0.109');
INSERT INTO "rules_version" VALUES(4,'9ce7f6345fc08f00357da6508c2382352372e2bdd8589b907c6d0c637c5f448c','policy = [
    { calendar = "always", name = "all", targets = { default = { resolution = "8h" } } },
]
schema = 1

[calendars.always]
always_open = true

[[escalation]]
id = "resolution"
level = [
    { at = "0m", id = "late", note = "late" },
]
on = "resolution"
','2026-11-28T04:00:00Z','0.109');
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
	audit_event INTEGER, messages_sent INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT started_at_instant CHECK (started_at IS NULL OR started_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ended_at_instant CHECK (ended_at IS NULL OR ended_at LIKE '____-__-__T__:__:__Z'), 
	FOREIGN KEY(rules_version) REFERENCES rules_version (id)
);
INSERT INTO "run" VALUES(1,'2026-11-27T22:08:47Z','2026-11-27T22:08:48Z',2,2,2,0,0,'{"expired": 1}',0,1685,1,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',37690,'5624ce720097a7e480bda702e5395c6937c44e910a84ee8483f17568e6b4df45',14,NULL);
INSERT INTO "run" VALUES(2,'2026-11-28T00:54:35Z','2026-11-28T00:54:35Z',0,0,0,0,0,'{}',0,578,2,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',47638,'5f170218bdb3beadc15b2877dcb7d09b5b864dce2fbc2a98e08011b2bbeb7237',17,1);
INSERT INTO "run" VALUES(3,'2026-11-28T02:44:03Z','2026-11-28T02:44:03Z',1,1,0,2,0,'{}',0,355,3,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',54206,'90b81299fa7884301ddb4828f813169f96dfc08c895fb99df228ebf04ae9bb89',22,2);
INSERT INTO "run" VALUES(4,'2026-11-28T05:30:00Z','2026-11-28T05:30:00Z',2,1,1,0,0,'{"baseline": 1}',0,0,4,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',60940,'433c48cd9feec8ac38eac821829e88137d6e03eb3344e500fd43c81397cbf107',29,0);
INSERT INTO "run" VALUES(5,'2026-11-28T05:33:00Z','2026-11-28T05:33:00Z',0,0,0,0,0,'{}',0,0,NULL,'3a3a8ada-dc68-4f50-9243-a041e586d0c3',60943,'538255804948aaf4f66dd0e471fb3a54ed9ae62ff081143a7be6464df1b538bc',34,0);
CREATE TABLE silence (
	id INTEGER NOT NULL, 
	tenant TEXT, 
	ticket_id INTEGER, 
	escalation TEXT, 
	comment TEXT, 
	actor TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	starts_at TEXT NOT NULL, 
	ends_at TEXT NOT NULL, 
	expired_by TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT created_at_instant CHECK (created_at IS NULL OR created_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT starts_at_instant CHECK (starts_at IS NULL OR starts_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT ends_at_instant CHECK (ends_at IS NULL OR ends_at LIKE '____-__-__T__:__:__Z'), 
	CONSTRAINT tenant_length CHECK (length(tenant) BETWEEN 1 AND 200), 
	CONSTRAINT actor_length CHECK (length(actor) BETWEEN 1 AND 200), 
	CONSTRAINT comment_length CHECK (length(comment) BETWEEN 1 AND 1000), 
	CONSTRAINT about_something CHECK (COALESCE(tenant, ticket_id, escalation) IS NOT NULL), 
	FOREIGN KEY(ticket_id) REFERENCES ticket (id)
);
INSERT INTO "silence" VALUES(1,NULL,3,NULL,'quiet','root','2026-11-27T22:08:46Z','2026-11-27T22:08:46Z','2026-11-28T00:08:46Z',NULL);
INSERT INTO "silence" VALUES(2,NULL,2,NULL,'a call','bob','2026-11-27T23:21:17Z','2026-11-27T23:21:17Z','2026-11-28T01:21:17Z',NULL);
INSERT INTO "silence" VALUES(3,NULL,1,NULL,NULL,'ann','2026-11-27T23:39:55Z','2026-12-20T00:00:00Z','2026-12-21T00:00:00Z',NULL);
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
INSERT INTO "snapshot" VALUES(2,'2026-03-01T10:00:00Z','dc48bf2ef73d902df5cdde4a464dd4c8','521955551e4bc7d7339a7fe1314f33ea57cca2deb988c931fd6f76a48e39aaa2','{"created_at": "2026-03-01T09:00:00Z", "priority": "low", "status": "open"}','{}');
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
CREATE TABLE tenant_domain (
	domain TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	PRIMARY KEY (domain), 
	CONSTRAINT domain_length CHECK (length(domain) BETWEEN 1 AND 253), 
	FOREIGN KEY(tenant) REFERENCES tenant (name)
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
INSERT INTO "ticket" VALUES(1,'A-1',NULL,NULL,'enterprise','tom@example.com','Printer on fire','pending','urgent',NULL,'["upgraded"]','enterprise','always',NULL,'2026-03-02T09:00:00Z','2026-11-28T05:09:55Z','2026-03-02T12:40:00Z',NULL,NULL,NULL,NULL,1,1,1,NULL,NULL,NULL,NULL,'2026-12-24T09:00:00Z','2026-12-24T09:00:00Z','2026-12-24T17:20:00Z','resolution','resolution','manager','2026-12-24T18:20:00Z',1,7);
INSERT INTO "ticket" VALUES(2,'7','web',NULL,'free',NULL,NULL,'pending','high','support-manager','[]','free','always',NULL,'2026-03-01T09:00:00Z','2026-11-27T23:39:55Z',NULL,NULL,NULL,'2026-03-11T09:00:00Z','resolution',1,1,1,NULL,NULL,NULL,NULL,'2026-12-24T09:00:00Z','2026-12-24T09:00:00Z','2026-03-11T09:00:00Z','resolution',NULL,NULL,NULL,1,6);
INSERT INTO "ticket" VALUES(3,'B 2',NULL,NULL,'free','ida@example.com','VPN is slow','resolved','normal',NULL,'["vpn"]','free','always',NULL,'2026-03-02T09:05:00Z','2026-03-02T13:00:00Z',NULL,'2026-03-02T13:00:00Z','2026-03-02T13:00:00Z',NULL,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,2);
INSERT INTO "ticket" VALUES(4,NULL,NULL,NULL,'free','ann@example.com','Printer on fire','open','normal',NULL,'[]','free','always',NULL,'2026-11-27T21:44:03Z','2026-11-27T21:44:03Z',NULL,NULL,NULL,'2026-11-28T01:44:03Z','resolution',1,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3,1);
INSERT INTO "ticket" VALUES(5,NULL,NULL,NULL,'free','ann@example.com','Undone','open','normal',NULL,'[]','all','always',NULL,'2026-11-28T04:00:00Z','2026-11-28T05:32:00Z',NULL,NULL,NULL,'2026-11-28T10:00:00Z','resolution',0,1,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4,6);
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
	CONSTRAINT kind_known CHECK (kind IN ('first_response', 'next_response', 'update', 'resolution', 'unassigned', 'idle', 'waiting', 'burst', 'created')), 
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
INSERT INTO "timer" VALUES(1,1,'first_response',1,1,'breached',7200,'2026-03-02T09:00:00Z','2026-03-02T11:00:00Z',NULL,13200,0,0,'2026-03-02T12:40:00Z','2026-03-02T11:00:00Z','2026-11-27T22:08:47Z','2026-12-24T09:00:00Z',0,0,0,1,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(2,1,'resolution',1,1,'paused',43200,'2026-03-02T09:00:00Z',NULL,NULL,13200,0,0,NULL,NULL,NULL,'2026-12-24T09:00:00Z',0,0,0,0,'2026-12-24T09:00:00Z','running','2026-12-24T17:20:00Z');
INSERT INTO "timer" VALUES(4,2,'first_response',1,1,'unknown',259200,'2026-03-01T09:00:00Z',NULL,NULL,0,0,0,NULL,NULL,NULL,'2026-12-24T09:00:00Z',0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(5,2,'resolution',1,1,'breached',864000,'2026-03-01T09:00:00Z','2026-03-11T09:00:00Z',NULL,23467195,0,0,NULL,'2026-03-11T09:00:00Z','2026-11-27T22:08:47Z','2026-12-24T09:00:00Z',0,0,0,1,'2026-12-24T09:00:00Z','breached','2026-03-11T09:00:00Z');
INSERT INTO "timer" VALUES(7,3,'first_response',1,1,'met',172800,'2026-03-02T09:05:00Z','2026-03-04T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(8,3,'resolution',1,1,'met',604800,'2026-03-02T09:05:00Z','2026-03-09T09:05:00Z',NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(9,3,'unassigned',1,1,'met',NULL,'2026-03-02T09:05:00Z',NULL,NULL,14100,0,0,'2026-03-02T13:00:00Z',NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(10,4,'resolution',1,1,'breached',14400,'2026-11-27T21:44:03Z','2026-11-28T01:44:03Z','2026-11-27T21:44:03Z',0,0,0,NULL,'2026-11-28T01:44:03Z','2026-11-28T02:44:03Z',NULL,0,0,0,1,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(11,5,'resolution',1,1,'running',21600,'2026-11-28T04:00:00Z','2026-11-28T10:00:00Z','2026-11-28T04:00:00Z',0,0,0,NULL,NULL,NULL,'2026-11-28T10:00:01Z',1,0,0,0,NULL,NULL,NULL);
INSERT INTO "timer" VALUES(12,1,'unassigned',1,1,'running',NULL,'2026-03-02T09:00:00Z',NULL,'2026-03-02T09:00:00Z',0,0,0,NULL,NULL,NULL,'2026-12-24T09:00:00Z',0,0,0,0,NULL,NULL,NULL);
CREATE UNIQUE INDEX escalation_once ON escalation (ticket_id, kind, cycle, escalation, level, arming, repeat) WHERE source = 'automatic';
CREATE INDEX escalation_run ON escalation (run_id);
CREATE INDEX escalation_ticket ON escalation (ticket_id);
CREATE INDEX event_ticket ON event (ticket_id, at, id);
CREATE INDEX outcome_ticket ON outcome (ticket_id);
CREATE INDEX sync_run_source ON sync_run (source, id);
CREATE INDEX ticket_assignee ON ticket (assignee, due_at, id);
CREATE INDEX ticket_created ON ticket (created_at);
CREATE UNIQUE INDEX ticket_external ON ticket (external_id, COALESCE(source, ''));
CREATE INDEX ticket_next ON ticket (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX ticket_open ON ticket (due_at, id) WHERE status NOT IN ('resolved', 'closed');
CREATE INDEX ticket_requester ON ticket (requester_email);
CREATE INDEX ticket_tenant ON ticket (tenant, due_at, id);
CREATE INDEX ticket_updated ON ticket (updated_at);
CREATE INDEX ticket_wakes ON ticket (wakes_at) WHERE wakes_at IS NOT NULL;
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
CREATE INDEX run_boot ON run (boot_id) WHERE boot_id IS NOT NULL;
CREATE INDEX silence_ends ON silence (ends_at);
CREATE INDEX override_ends ON override (ends_at);
CREATE INDEX absence_ends ON absence (ends_at);
CREATE INDEX notification_waiting ON notification (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX outcome_stopped ON outcome (kind, stopped_at, met, averaged, seconds, late_since, ticket_id, cycle, agreement);
CREATE INDEX outcome_missed ON outcome (kind, late_since, stopped_at, ticket_id, cycle, agreement) WHERE late_since IS NOT NULL;
CREATE INDEX event_counted ON event (ticket_id, action, at) WHERE action = 'ticket.escalate' OR action = 'ticket.reopen';
CREATE INDEX mail_id_ticket ON mail_id (ticket_id);
CREATE INDEX tenant_domain_tenant ON tenant_domain (tenant);
CREATE VIEW ticket_view AS SELECT t.id AS id, t.external_id AS external_id, t.source AS source, t.tenant AS tenant, t.plan AS plan, t.requester_email AS requester_email, COALESCE(t.subject, t.external_id, '(erased)') AS subject, t.status AS status, t.priority AS priority, t.assignee AS assignee, t.tags AS tags, t.policy AS policy, t.created_at AS created_at, t.updated_at AS updated_at, fr.due_at AS first_response_due_at, t.first_responded_at AS first_responded_at, CASE WHEN fr.id IS NULL THEN 'none' WHEN fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE fr.state END AS first_response_state, CASE WHEN nr.stopped_at IS NULL THEN nr.due_at END AS next_response_due_at, CASE WHEN nr.id IS NULL THEN 'none' WHEN nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE nr.state END AS next_response_state, CASE WHEN up.stopped_at IS NULL THEN up.due_at END AS update_due_at, CASE WHEN up.id IS NULL THEN 'none' WHEN up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE up.state END AS update_state, rs.due_at AS resolution_due_at, t.resolved_at AS resolved_at, CASE WHEN rs.id IS NULL THEN 'none' WHEN rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN 'breached' ELSE rs.state END AS resolution_state, t.due_at AS due_at, t.due_target AS due_target, CASE WHEN t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN CAST(strftime('%s', strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) AS INTEGER) - CAST(strftime('%s', t.due_at) AS INTEGER) END AS overdue_seconds, COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0) AS breached, (t.missed OR COALESCE(t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), 0)) AS ever_breached, t.escalated AS escalated, t.escalation_level AS escalation_level, CASE WHEN t.acked_until > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN t.acked_until END AS acked_until, t.pending_until AS pending_until, t.next_escalation AS next_escalation, t.next_level AS next_level, t.next_level_at AS next_level_at
FROM (SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, status, updated_at, due_at, due_target, next_escalation, next_level, next_level_at, wakes_at AS pending_until FROM ticket WHERE wakes_at IS NULL OR wakes_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') UNION ALL SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, CAST('open' AS TEXT) AS status, wakes_at AS updated_at, woken_due_at AS due_at, woken_due_target AS due_target, woken_escalation AS next_escalation, woken_level AS next_level, woken_level_at AS next_level_at, CAST(NULL AS TEXT) AS pending_until FROM ticket WHERE unlikely(wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) t
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1;
CREATE VIEW escalation_view AS SELECT id, ticket_id, source, escalation, level, repeat, reason, due_at, fired_at, outcome, actor, from_priority, to_priority, from_assignee, to_assignee, run_id FROM escalation;
CREATE VIEW event_view AS SELECT id AS id, ticket_id AS ticket_id, at AS at, recorded_at AS recorded_at, actor AS actor, actor_type AS actor_type, action AS action, json_remove(CASE WHEN json_extract(detail, '$.numbers') IS NULL THEN detail ELSE json_set(detail, '$.events', json_extract(detail, '$.numbers')) END, '$.unix_user', '$.imported_by', '$.change', '$.command', '$.numbers') AS detail, json_extract(detail, '$.change') AS change, json_extract(detail, '$.unix_user') AS unix_user
FROM event;
CREATE VIEW breach_view AS SELECT b.ticket_id AS ticket_id, t.external_id AS external_id, b.kind AS target, b.cycle AS cycle, r.due_at AS due_at, b.missed_at AS breached_at, COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END) AS stopped_at, b.detected_at AS detected_at, CASE WHEN b.stopped_at IS NOT NULL OR b.agreement = r.agreement THEN CAST(strftime('%s', COALESCE(COALESCE(b.stopped_at, CASE WHEN b.agreement = r.agreement THEN r.stopped_at END), strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) AS INTEGER) - CAST(strftime('%s', b.missed_at) AS INTEGER) END AS overdue_seconds, t.priority AS priority, t.plan AS plan, t.tenant AS tenant, t.assignee AS assignee, t.policy AS policy
FROM (SELECT ticket_id, kind, cycle, agreement, missed_at, stopped_at, detected_at FROM outcome
WHERE missed_at IS NOT NULL UNION ALL SELECT ticket_id, kind, cycle, agreement, due_at, NULL, NULL FROM (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) r
WHERE stopped_at IS NULL AND counted = 0 AND due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) b JOIN ticket t ON t.id = b.ticket_id
JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) r ON r.ticket_id = b.ticket_id AND r.kind = b.kind AND r.cycle = b.cycle;
CREATE VIEW outcome_view AS SELECT o.ticket_id AS ticket_id, t.external_id AS external_id, o.kind AS target, o.cycle AS cycle, COALESCE(o.stopped_at, o.late_since) AS at, o.met AS kept, o.started_at AS started_at, o.late_since AS late_since, o.stopped_at AS stopped_at, o.seconds AS seconds, o.priority AS priority, o.plan AS plan, o.tenant AS tenant, o.assignee AS assignee, o.policy AS policy, o.tags AS tags
FROM (SELECT ticket_id, kind, cycle, met, started_at, late_since, stopped_at, seconds, priority, plan, tenant, assignee, policy, tags FROM outcome UNION ALL
SELECT r.ticket_id, r.kind, r.cycle, 0, r.started_at, r.due_at, NULL, NULL, t.priority, t.plan, t.tenant, t.assignee, t.policy, t.tags
FROM (SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, status, updated_at, due_at, due_target, next_escalation, next_level, next_level_at, wakes_at AS pending_until FROM ticket WHERE wakes_at IS NULL OR wakes_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') UNION ALL SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, CAST('open' AS TEXT) AS status, wakes_at AS updated_at, woken_due_at AS due_at, woken_due_target AS due_target, woken_escalation AS next_escalation, woken_level AS next_level, woken_level_at AS next_level_at, CAST(NULL AS TEXT) AS pending_until FROM ticket WHERE unlikely(wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) t CROSS JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) r ON r.ticket_id = t.id
WHERE t.status NOT IN ('resolved', 'closed') AND t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND r.target_seconds IS NOT NULL
AND r.stopped_at IS NULL AND r.counted = 0 AND r.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) o JOIN ticket t ON t.id = o.ticket_id;
CREATE VIEW objective_view AS SELECT name, period, since, until, target, goal, kept, missed, attained, spare, needed, open_at_risk, credit, state, as_of FROM objective_standing;
CREATE VIEW oncall_view AS SELECT schedule, person, since, until, next_person, next_at, source, instead_of, as_of FROM oncall_standing;
CREATE VIEW summary_view AS SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS at, COUNT(*) AS open_count, COALESCE(SUM(t.assignee IS NULL), 0) AS unassigned_count, COALESCE(SUM(t.priority = 'urgent'), 0) AS urgent_open_count, COALESCE(SUM(t.escalated), 0) AS escalated_count, COALESCE(SUM(t.fr_late), 0) AS first_response_breached_count, COALESCE(SUM(t.nr_late), 0) AS next_response_breached_count, COALESCE(SUM(t.up_late), 0) AS update_breached_count, COALESCE(SUM(t.rs_late), 0) AS resolution_breached_count
FROM (SELECT t.assignee AS assignee, t.priority AS priority, t.escalated AS escalated, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND fr.stopped_at IS NULL AND fr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS fr_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND nr.stopped_at IS NULL AND nr.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS nr_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND up.stopped_at IS NULL AND up.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS up_late, t.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AND rs.stopped_at IS NULL AND rs.due_at < strftime('%Y-%m-%dT%H:%M:%SZ', 'now') AS rs_late
FROM (SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, status, updated_at, due_at, due_target, next_escalation, next_level, next_level_at, wakes_at AS pending_until FROM ticket WHERE wakes_at IS NULL OR wakes_at > strftime('%Y-%m-%dT%H:%M:%SZ', 'now') UNION ALL SELECT id, external_id, source, tenant, plan, requester_email, subject, priority, assignee, tags, policy, created_at, first_responded_at, resolved_at, missed, escalated, escalation_level, acked_until, CAST('open' AS TEXT) AS status, wakes_at AS updated_at, woken_due_at AS due_at, woken_due_target AS due_target, woken_escalation AS next_escalation, woken_level AS next_level, woken_level_at AS next_level_at, CAST(NULL AS TEXT) AS pending_until FROM ticket WHERE unlikely(wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))) t
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) fr ON fr.ticket_id = t.id AND fr.kind = 'first_response' AND fr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) nr ON nr.ticket_id = t.id AND nr.kind = 'next_response' AND nr.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) up ON up.ticket_id = t.id AND up.kind = 'update' AND up.latest = 1
LEFT JOIN (SELECT id, ticket_id, kind, cycle, latest, target_seconds, started_at, consumed_seconds, stopped_at, breached_at, detected_at, manual, agreement, counted, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_state ELSE state END AS state, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN woken_due_at ELSE due_at END AS due_at, CASE WHEN wakes_at <= strftime('%Y-%m-%dT%H:%M:%SZ', 'now') THEN wakes_at ELSE running_since END AS running_since FROM timer) rs ON rs.ticket_id = t.id AND rs.kind = 'resolution' AND rs.latest = 1 WHERE t.status NOT IN ('resolved', 'closed')) t;
COMMIT;
