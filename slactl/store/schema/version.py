"""Mark a file as a database of slactl. These constants stand alone so that a read does not load the migrations."""

#: The newest schema that this program knows: the number of steps in `migrations`.
SCHEMA = 9

#: The mark of SQLite's `application_id` ("SLAC" in ASCII), so that no other program's database is touched.
APPLICATION_ID = 0x534C4143
