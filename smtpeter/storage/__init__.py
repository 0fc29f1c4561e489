"""The database: its threads, its tables and an adapter for each boundary. The only SQL of the project."""
