"""The rules about accounts, their logins and sender domains, for the command line and every other door alike."""
