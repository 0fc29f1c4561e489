"""The rules about accounts, their logins, tokens and sender domains, for the command line and every door alike."""
