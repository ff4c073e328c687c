"""What is promised: calendars, rules, histories, timers and ladders; no database, no clock, no output."""
