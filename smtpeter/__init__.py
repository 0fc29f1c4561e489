"""A self-hosted e-mail gateway that applications, web sites and mail programs send through."""
