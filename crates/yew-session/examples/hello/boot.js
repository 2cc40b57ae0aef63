import start from "/hello.js";
start();
