"""What happens: one function per use case, each in one write transaction."""
