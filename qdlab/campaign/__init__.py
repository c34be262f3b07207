"""A plan carried out on a bench into a session: one process, no Qt, no sockets, and a safe end on every path.

However a campaign ends, the first thing that happens is off to every box; only then are run, journal and
session closed. On the simulated bench an operator step mounts the device by itself.
"""

from qdlab.campaign.execution import CampaignResult, run_campaign
from qdlab.campaign.opening import (
    open_campaign_session,
    resume_campaign_session,
    session_document,
    simulated_devices,
)
from qdlab.campaign.reporting import Listener

__all__ = [
    "CampaignResult",
    "Listener",
    "open_campaign_session",
    "resume_campaign_session",
    "run_campaign",
    "session_document",
    "simulated_devices",
]
