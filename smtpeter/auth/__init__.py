"""Who a client is: passwords, credentials, and the Cred checker and realm behind the doors."""
