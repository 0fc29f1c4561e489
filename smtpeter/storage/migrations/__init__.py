"""How the schema came to be, one module for each change (L{smtpeter.storage.schema} runs them)."""
