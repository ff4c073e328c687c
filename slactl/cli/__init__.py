"""The commands: each parses what was typed, calls one function of `desk`, and shows the result."""
