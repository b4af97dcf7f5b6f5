"""Runs a campaign: settings, plan, session, and the phases that send cases."""
