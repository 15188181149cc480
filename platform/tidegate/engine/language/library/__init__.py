"""The functions rules may call, by what they work on."""
