"""The provider simulator: seven paid image providers (and Imagen) on one loopback server.

`running_simulator()` starts it; an adapter is given `running.base["stability"]` and a key of
`running.keys["stability"]`. It refuses what the real provider's documents refuse, answers with
real pictures of the real size, and keeps a bill of what it would have charged.
"""

from tests.simulator.app import simulator
from tests.simulator.running import RunningSimulator, running_simulator
from tests.simulator.settings import Rate, SimulatorSettings

__all__ = ["Rate", "RunningSimulator", "SimulatorSettings", "running_simulator", "simulator"]
