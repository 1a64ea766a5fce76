"""The `virtmig` command as a user meets it."""
