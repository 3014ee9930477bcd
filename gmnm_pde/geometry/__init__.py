"""Domains and the regions on them: where equations and conditions hold."""

from gmnm_pde.geometry.box import Box as Box
from gmnm_pde.geometry.box import Interval as Interval
from gmnm_pde.geometry.box import Rectangle as Rectangle
from gmnm_pde.geometry.box import Time as Time
from gmnm_pde.geometry.cloud import PointCloud as PointCloud
from gmnm_pde.geometry.composed import Product as Product
from gmnm_pde.geometry.diffusion_cone import DiffusionCone as DiffusionCone
from gmnm_pde.geometry.domain import Domain as Domain
from gmnm_pde.geometry.implicit import SignedDistance as SignedDistance
from gmnm_pde.geometry.mesh import Mesh as Mesh
from gmnm_pde.geometry.mesh_files import read_mesh as read_mesh
from gmnm_pde.geometry.parts import Parted as Parted
from gmnm_pde.geometry.planar_mesh import PlanarMesh as PlanarMesh
from gmnm_pde.geometry.polygon import Polygon as Polygon
from gmnm_pde.geometry.polygon import Triangle as Triangle
from gmnm_pde.geometry.region import Chart as Chart
from gmnm_pde.geometry.region import GivenPoints as GivenPoints
from gmnm_pde.geometry.region import Region as Region
from gmnm_pde.geometry.round import Ball as Ball
from gmnm_pde.geometry.round import Disk as Disk
from gmnm_pde.geometry.round import Ellipse as Ellipse
from gmnm_pde.geometry.shells import Annulus as Annulus
from gmnm_pde.geometry.shells import SphericalShell as SphericalShell
from gmnm_pde.geometry.whole_space import WholeSpace as WholeSpace
