"""A recipe that builds the checkout it stands in:  conan create packaging/conan"""
import re
from pathlib import Path

from conan import ConanFile
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps
from conan.tools.meson import Meson, MesonToolchain


class Xgrad(ConanFile):
    name = "xgrad"
    license = "BSD-3-Clause"
    description = "Reverse-mode automatic differentiation for xtensor, in C++20"
    package_type = "shared-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"onednn": [True, False]}
    default_options = {"onednn": False}

    def set_version(self):
        header = Path(self.recipe_folder).parent.parent / "include/xgrad/core/api.hpp"
        self.version = ".".join(re.findall(r"#define XGRAD_VERSION_[A-Z]+ (\d+)", header.read_text()))

    def export_sources(self):
        root = Path(self.recipe_folder).parent.parent
        for pattern in ("meson.build", "meson_options.txt", "LICENSE", "include/*", "src/*", "packaging/*", "subprojects/*.wrap",
                        "subprojects/packagefiles/*"):
            copy(self, pattern, root, self.export_sources_folder)

    def requirements(self):
        # Programs that include xgrad's headers include these two as well.
        self.requires("xtensor/0.24.7", transitive_headers=True)
        self.requires("fmt/[>=9 <11]", transitive_headers=True, transitive_libs=True)
        self.requires("xsimd/[>=8.1 <14]")
        self.requires("openblas/[>=0.3.20 <1]", options={"build_lapack": True})
        self.requires("zlib/[>=1.2.11 <2]")
        if self.options.onednn:
            self.requires("onednn/[>=2.6 <4]")

    def build_requirements(self):
        self.tool_requires("meson/[>=0.63 <2]")
        self.tool_requires("pkgconf/[>=1.9 <3]")

    def generate(self):
        PkgConfigDeps(self).generate()
        toolchain = MesonToolchain(self)
        toolchain.project_options.update(tests="false", examples="false", onednn="enabled" if self.options.onednn else "disabled",
                                         mpi="disabled", png="disabled", jpeg="disabled")
        # Conan has no xtensor-blas, of which one header is used; the toolchain would forbid Meson to fetch it.
        toolchain.project_options["wrap_mode"] = "default"
        toolchain.generate()

    def build(self):
        meson = Meson(self)
        meson.configure()
        meson.build()

    def package(self):
        Meson(self).install()
        copy(self, "LICENSE", self.source_folder, Path(self.package_folder) / "licenses")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "xgrad")
        core, onnx = self.cpp_info.components["xgrad"], self.cpp_info.components["onnx"]
        core.libs = ["xgrad"]
        core.set_property("cmake_target_name", "xgrad::xgrad")
        core.set_property("pkg_config_name", "xgrad")
        core.requires = ["xtensor::xtensor", "fmt::fmt", "xsimd::xsimd", "openblas::openblas", "zlib::zlib"]
        if self.options.onednn:
            core.requires.append("onednn::onednn")
        onnx.libs = ["xgrad-onnx"]
        onnx.set_property("cmake_target_name", "xgrad::onnx")
        onnx.set_property("pkg_config_name", "xgrad-onnx")
        onnx.requires = ["xgrad"]
