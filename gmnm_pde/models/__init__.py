"""Approximators: torch modules that are features(x) followed by a linear readout."""

from gmnm_pde.models.blocks import TimeBlocks as TimeBlocks
from gmnm_pde.models.catalogue import MODELS as MODELS
from gmnm_pde.models.catalogue import rebuild as rebuild
from gmnm_pde.models.fourier import Embedded as Embedded
from gmnm_pde.models.fourier import FourierFeatures as FourierFeatures
from gmnm_pde.models.gmnm import GMNM as GMNM
from gmnm_pde.models.kan import KAN as KAN
from gmnm_pde.models.lifted import Lifted as Lifted
from gmnm_pde.models.mixture import Mixture as Mixture
from gmnm_pde.models.mixture import along_each as along_each
from gmnm_pde.models.mlp import MLP as MLP
from gmnm_pde.models.normalized import Normalized as Normalized
from gmnm_pde.models.partition import Partition as Partition
from gmnm_pde.models.patchwork import Patchwork as Patchwork
from gmnm_pde.models.rbf import RBF as RBF
from gmnm_pde.models.readout import has_readout as has_readout
