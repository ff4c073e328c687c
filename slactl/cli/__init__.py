"""The commands: each parses its options, calls one function of `desk`, and shows the result."""
