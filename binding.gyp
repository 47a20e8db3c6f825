{
  "targets": [
    {
      "target_name": "medlsam",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/medlsam.node"],
          "action": ["node", "scripts/build-native.mjs", "<(PRODUCT_DIR)"]
        }
      ]
    }
  ]
}
