"""Particles, evidence, joint draws, QEM and the pooled report."""
