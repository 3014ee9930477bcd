"""Approximators: torch modules that are features(x) followed by a linear readout."""

from gmnm_pde.models.catalogue import MODELS as MODELS
from gmnm_pde.models.catalogue import is_rebuilt as is_rebuilt
from gmnm_pde.models.catalogue import numbers as numbers
from gmnm_pde.models.catalogue import rebuild as rebuild
from gmnm_pde.models.composite.by_part import ByPart as ByPart
from gmnm_pde.models.composite.evolved import Evolved as Evolved
from gmnm_pde.models.composite.evolved import Stretch as Stretch
from gmnm_pde.models.composite.lifted import Lifted as Lifted
from gmnm_pde.models.composite.normalized import Normalized as Normalized
from gmnm_pde.models.composite.partition import Partition as Partition
from gmnm_pde.models.composite.patchwork import Member as Member
from gmnm_pde.models.composite.patchwork import Patchwork as Patchwork
from gmnm_pde.models.composite.time_blocks import TimeBlocks as TimeBlocks
from gmnm_pde.models.mixtures.gmnm import GMNM as GMNM
from gmnm_pde.models.mixtures.rbf import RBF as RBF
from gmnm_pde.models.mixtures.recipe import Mixture as Mixture
from gmnm_pde.models.mixtures.recipe import along_each as along_each
from gmnm_pde.models.networks.fourier import Embedded as Embedded
from gmnm_pde.models.networks.fourier import FourierFeatures as FourierFeatures
from gmnm_pde.models.networks.kan import KAN as KAN
from gmnm_pde.models.networks.mlp import MLP as MLP
from gmnm_pde.models.protocols import has_readout as has_readout
