"""The suppression list of an account: what puts addresses on it, what follows from it, how people change it."""
