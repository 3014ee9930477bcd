"""What an equation sees as u: values that carry their derivatives, and the three engines that make them."""

from gmnm_pde.jets.engines import ENGINES as ENGINES
from gmnm_pde.jets.engines import derivatives as derivatives
from gmnm_pde.jets.engines import feature_combination as feature_combination
from gmnm_pde.jets.engines import forward_jet as forward_jet
from gmnm_pde.jets.engines import output_jet as output_jet
from gmnm_pde.jets.known import KnownFields as KnownFields
from gmnm_pde.jets.partials import partials as partials
from gmnm_pde.jets.sources import FunctionSource as FunctionSource
from gmnm_pde.jets.sources import GivenSource as GivenSource
from gmnm_pde.jets.sources import LiftedSource as LiftedSource
from gmnm_pde.jets.sources import ModelSource as ModelSource
from gmnm_pde.jets.sources import jet as jet
from gmnm_pde.jets.stack import Stack as Stack
from gmnm_pde.jets.stack import columns_by_name as columns_by_name
from gmnm_pde.jets.values import Field as Field
from gmnm_pde.jets.values import Frame as Frame
from gmnm_pde.jets.values import Quantity as Quantity
from gmnm_pde.multiindex import Alpha as Alpha
from gmnm_pde.multiindex import leibniz as leibniz
