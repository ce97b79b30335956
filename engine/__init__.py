"""The product without a screen: catalogue, topology, analysis, simulation, files.

Imports point one way (see ARCHITECTURE.md); nothing here knows Qt.
"""

__version__ = "0.1.0"
