"""What every rendering of the chart has to have, beyond the schemas of Kubernetes."""

from . import networks, pods, secrecy, wiring

ALL = [*pods.DUTIES, *secrecy.DUTIES, *networks.DUTIES, *wiring.DUTIES]
