"""Meshes: from contact to contact, dense where it matters, nested."""

import numpy as np

from analysis.drift_diffusion.mesh import graded_mesh


def test_nodes_rise_from_one_contact_to_the_other():
    nodes = graded_mesh(96, 1e-3, 1e-2)
    assert (nodes[0], nodes[-1], len(nodes)) == (0.0, 1.0, 97)
    assert np.all(np.diff(nodes) > 0)


def test_cells_are_smallest_at_the_thinner_layer():
    spacing = np.diff(graded_mesh(96, 1e-3, 1e-2))
    assert spacing[0] < spacing[-1] < spacing.max() / 3


def test_a_finer_mesh_holds_all_nodes_of_a_coarser_one():
    np.testing.assert_allclose(graded_mesh(96, 1e-3, 1e-2)[::2], graded_mesh(48, 1e-3, 1e-2), atol=1e-13)


def test_exchanged_layers_mirror_the_mesh():
    np.testing.assert_allclose(graded_mesh(48, 1e-3, 1e-2), 1 - graded_mesh(48, 1e-2, 1e-3)[::-1], atol=1e-13)
