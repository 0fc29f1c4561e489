"""Accepts mail: an account's rules, one durable write, a receipt."""
