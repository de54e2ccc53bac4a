"""The domain: milestones, stages, KPIs, rule pack, money."""
