"""Dynamics 365 Sales: tables of Dataverse, the shapes that exports of them come in, and what they tell."""
