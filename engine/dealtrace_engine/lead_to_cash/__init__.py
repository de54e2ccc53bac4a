"""What sales and finance ask of a lead-to-cash process, built on the analyses."""
