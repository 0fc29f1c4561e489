"""The description of the REST API (OpenAPI 3.1): a module for each family of resources, and what makes one of them."""
