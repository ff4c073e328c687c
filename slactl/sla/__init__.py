"""Calculate deadlines and escalations from rules and histories, without a database, a clock or output."""
