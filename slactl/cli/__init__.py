"""What you type: commands that parse, call one desk function and show what came back."""
