"""Problem x model x points = a system. The only room that knows both problem and model."""

from gmnm_pde.residuals.corrected import CorrectedSystem as CorrectedSystem
from gmnm_pde.residuals.fields import FieldMap as FieldMap
from gmnm_pde.residuals.patchwork import PatchworkSystem as PatchworkSystem
from gmnm_pde.residuals.pointwise import Linearized as Linearized
from gmnm_pde.residuals.pointwise import Placed as Placed
from gmnm_pde.residuals.readout import ReadoutSystem as ReadoutSystem
from gmnm_pde.residuals.scaling import patch_scales as patch_scales
from gmnm_pde.residuals.scaling import row_scales as row_scales
from gmnm_pde.residuals.scaling import strengths_of as strengths_of
from gmnm_pde.residuals.shard import Shard as Shard
from gmnm_pde.residuals.training import TrainingSystem as TrainingSystem
