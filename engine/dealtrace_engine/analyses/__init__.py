"""An event log in, a frozen result around Arrow tables out."""
