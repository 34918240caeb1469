"""The rules of a project's own, as a policy names them."""
