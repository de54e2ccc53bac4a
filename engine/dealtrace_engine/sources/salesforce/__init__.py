"""Salesforce Sales Cloud with CPQ and Billing: the objects, the shapes of exports, the rules."""
