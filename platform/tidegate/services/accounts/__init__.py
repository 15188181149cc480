"""Who may do what: people, roles, signing in, invitations, API tokens, tenants."""
