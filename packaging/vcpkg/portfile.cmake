# An overlay port that builds the checkout it stands in:  vcpkg install xgrad --overlay-ports=packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
if("onednn" IN_LIST FEATURES)
  set(ONEDNN enabled)
else()
  set(ONEDNN disabled)
endif()
vcpkg_configure_meson(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS -Dtests=false -Dexamples=false -Donednn=${ONEDNN} -Dmpi=disabled -Dpng=disabled -Djpeg=disabled)
vcpkg_install_meson()
vcpkg_fixup_pkgconfig()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/xgrad)
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
