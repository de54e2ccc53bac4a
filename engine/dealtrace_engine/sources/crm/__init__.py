"""What the readers of both CRMs share: tables, rule ladders, case links, the log and its coverage."""
