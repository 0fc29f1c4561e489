"""The SMTP server: submission by accounts, and mail that comes back."""
