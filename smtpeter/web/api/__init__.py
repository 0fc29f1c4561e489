"""The REST API under C{/v1}: a module for each family of resources, over what serves SMTP too."""
