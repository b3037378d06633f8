"""The one application of the project."""

from django.apps import AppConfig


class SimulationsConfig(AppConfig):
    """Simulations: experiments, runs, sweeps, saved links."""

    name = "simulations"
    verbose_name = "Platform Lab"
