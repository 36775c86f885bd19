"""The front desk: sign-in, tokens, and who may do what."""
