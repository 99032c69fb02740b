"""Behavioural scoring: what clients do on the web and with e-mails, in points and phases."""
