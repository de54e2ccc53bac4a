"""Where logs come from: tables (CSV, Parquet, Arrow, frames) and XES."""
