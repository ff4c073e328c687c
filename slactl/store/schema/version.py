"""What marks a file as a database of slactl. Apart from the steps, so that a read does not load them."""

#: The newest schema that this program knows: the number of steps in `migrations`.
SCHEMA = 6

#: The mark of SQLite's `application_id` ("SLAC" in ASCII), so that no other program's database is touched.
APPLICATION_ID = 0x534C4143
